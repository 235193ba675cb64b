// Planted mistakes that take two processors; see bug.h. The second one is started as an operating system does it (SDM
// Vol. 3A, 8.4.4), and does nothing but the mistake. Level 0 only: guests have one processor.
#include "bug.h"
#include "guest.h"

extern const uint8_t second_begin[], second_end[];
void second_main(void);

enum { PLACE = 0x8000, MSR_X2APIC_COMMAND = 0x830, X2APIC = 1 << 10, SECOND = 1 };
enum { VTMR = 0x180 };
enum { COMMAND_INIT = 0x4500, COMMAND_STARTUP = 0x4600 };

static volatile bool second_is_there;
static volatile uint8_t *bitmap; // or what else is changed
static volatile uint32_t *torn_entry;

static void second_start(void) {
    memcpy((void *)PLACE, second_begin, (size_t)(second_end - second_begin));
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | X2APIC);
    wrmsr(MSR_X2APIC_COMMAND, (uint64_t)SECOND << 32 | COMMAND_INIT);
    wrmsr(MSR_X2APIC_COMMAND, (uint64_t)SECOND << 32 | COMMAND_STARTUP | PLACE / PAGE);
    for (unsigned i = 0; !second_is_there; i++)
        if (i == 100000000) panic("bug=%s wants a second processor", "two");
}

// --- what it does ---

static void load_vmcs(void) {
    vmx_start();
    if (!vmptrld(guest.vmcs01)) panic("VMPTRLD on the second processor failed");
}

static void change_bitmap(void) {
    for (;;) *bitmap = *bitmap;
}

static void walk_again(void) {
    const uint64_t linear = TORN_LINEAR;
    for (;;) __asm__ volatile("invlpg (%0); mov (%0), %%al" : : "r"(linear) : "rax", "memory");
}

void second_main(void) {
    second_is_there = true;
    if (bug == BUG_TWO) load_vmcs();
    if (bug == BUG_BITMAP || bug == BUG_TRIGGER) change_bitmap();
    if (bug == BUG_TORN) walk_again();
}

// --- what the first one does ---

void bug_second_apic(uint8_t *page) {
    bitmap = page + VTMR;
    second_start();
}

void bug_second(void) {
    if (bug == BUG_BITMAP) bitmap = (volatile uint8_t *)vmread(FIELD_IO_BITMAP_A);
    if (bug == BUG_TWO || bug == BUG_BITMAP) second_start();
    if (bug != BUG_TORN) return;
    torn_entry = (volatile uint32_t *)directory_entry(TORN_LINEAR);
    second_start();
    for (uint32_t i = 0; i < 200000; i++) {
        torn_entry[0] = (i & 1) << 21 | 0x87;
        torn_entry[1] = 0;
    }
}
