// The other processors. Each enters VMX operation before the guest runs, and waits in its guest state "wait for SIPI"
// until the guest starts it, as it would on a machine of its own: then the SIPI is a VM exit (SDM Vol.
// 3C, 25.2, 27.2.1). If they were left alone the guest's SIPI would start them outside of our sight.
//
// Of INIT, SIPI, SIPI, which systems send, the INIT is blocked in that state (26.7.2; blocked, not discarded as SIPIs
// are elsewhere), and so it exits behind the VM entry after the first SIPI's exit. The guest's processor then waits
// once more, and the second SIPI starts it: one exit of INIT and two of SIPI for each.
#include "below.h"

void processor_begin(unsigned number);

enum { PROCESSORS = 32, STACK_BYTES = 8192 }; // hooks.S knows the latter
uint8_t processor_stacks[(PROCESSORS + 1) * STACK_BYTES] __attribute__((aligned(4096)));
volatile uint32_t processors_seen; // beside the first one
static volatile uint32_t processors_ready;
static struct processor others[PROCESSORS];

static volatile uint8_t locked;
void lock(void) {
    while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE)) __asm__ volatile("pause");
}
void unlock(void) { __atomic_store_n(&locked, 0, __ATOMIC_RELEASE); }

// The local APIC's registers, in the fourth GByte, which boot.S has not mapped.
static volatile uint32_t *apic_map(void) {
    enum { PRESENT_WRITABLE_LARGE_UNCACHED = 0x93 };
    uint64_t *top = (uint64_t *)cr3_read(), *pointers = (uint64_t *)(top[0] & ~(PAGE - 1)), *directory = page_new();
    uint64_t base = rdmsr(MSR_APIC_BASE) & ~(PAGE - 1) & 0xffffffff;
    directory[base >> 21 & 511] = (base & ~(LARGE_PAGE - 1)) | PRESENT_WRITABLE_LARGE_UNCACHED;
    pointers[base >> 30] = (uint64_t)directory | 7;
    return (volatile uint32_t *)base;
}

// A read of this port takes about a microsecond on a PC.
static void wait_microseconds(unsigned count) {
    while (count--) in8(0x80);
}

// Vol. 3A, 8.4.4.1: INIT, then SIPI twice, to all but ourselves. How many there are shows when no more come.
void processors_start(void) {
    enum { ICR = 0x300 / 4, INIT_OTHERS = 0xc4500, SIPI_OTHERS = 0xc4600 };
    volatile uint32_t *apic = apic_map();
    uint32_t before;
    apic[ICR] = INIT_OTHERS;
    wait_microseconds(10000);
    uint32_t vector = (uint32_t)(bios_page >> 12); // hooks.S begins with what they do first
    apic[ICR] = SIPI_OTHERS | vector;
    wait_microseconds(200);
    apic[ICR] = SIPI_OTHERS | vector;
    do {
        before = processors_seen;
        wait_microseconds(2000);
    } while (before != processors_seen);
    while (processors_ready != processors_seen) __asm__ volatile("pause");
    if (processors_seen > PROCESSORS) panic("more than %u processors", PROCESSORS + 1);
}

// From hooks.S, on a stack of its own.
void processor_begin(unsigned number) {
    struct processor *p = &others[number - 1];
    lock();
    vmx_start();
    guest_setup(p);
    guest_wait_for_sipi(p);
    unlock();
    __atomic_add_fetch(&processors_ready, 1, __ATOMIC_SEQ_CST);
    guest_run(p);
}
