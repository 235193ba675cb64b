// Planted mistakes with the guest itself: its events, its state, its progress; see bug.h.
#include "bug.h"
#include "guest.h"
#include "interrupt.h"

enum { VECTOR_LOW = 0x20, VECTOR_HIGH = 0x50 };

static void control_on(uint64_t bits) { vmwrite(FIELD_PROC_CONTROLS, vmread(FIELD_PROC_CONTROLS) | bits); }
static void control_off(uint64_t bits) { vmwrite(FIELD_PROC_CONTROLS, vmread(FIELD_PROC_CONTROLS) & ~bits); }

// --- events ---

// Put back among those that wait, which bug=window forgets; or another one first.
bool bug_requeue(uint64_t event) {
    if (bug == BUG_WINDOW) control_on(PROC_INTERRUPT_WINDOW);
    if (bug == BUG_ORDER) {
        vmwrite(FIELD_ENTRY_INTERRUPTION, EVENT_VALID | EVENT_EXTERNAL | VECTOR_LOW);
        interrupt_pend(event & EVENT_VECTOR);
    }
    return bug == BUG_LOST || bug == BUG_WINDOW || bug == BUG_ORDER;
}

static void forget_window(uint32_t reason) {
    if (reason == REASON_INTERRUPT_WINDOW) control_off(PROC_INTERRUPT_WINDOW);
}

// The monitor trap flag leaves the guest right after the exception's delivery.
static void inject_again(uint32_t reason) {
    static bool injected;
    if (reason == REASON_MONITOR_TRAP_FLAG) {
        control_off(PROC_MONITOR_TRAP_FLAG);
        inject_exception(VECTOR_GP, true);
    } else if (reason == REASON_RDMSR && guest.gpr[RCX] == 0x4fff0000 && !injected) {
        control_on(PROC_MONITOR_TRAP_FLAG);
        injected = true;
    }
}

bool bug_end_interrupt(uint64_t value) {
    if (bug == BUG_EOIS) wrmsr(MSR_X2APIC_EOI, value);
    return bug == BUG_EOI;
}

// --- the virtual APIC, which nothing here uses otherwise: SDM Vol. 3C, 29.1, 29.6 ---

static void use_virtual_apic(void) {
    enum { PIN_CONTROLS_POSTED = 1 << 7, PROC_TPR_SHADOW = 1 << 21, PROC2_VIRTUAL_INTERRUPTS = 1 << 9 };
    enum {
        VIRTUAL_APIC = 0x2012,
        DESCRIPTOR = 0x2016,
        VECTOR = 2,
        STATUS = 0x810,
        VIRR = 0x200,
        EXIT_BITMAPS = 0x201c
    };
    static bool in_use;
    if (in_use) return;
    in_use = true;
    uint8_t *page = page_new(), *descriptor = page_new();
    vmwrite((enum field)VIRTUAL_APIC, (uint64_t)page);
    for (int i = 0; i < 4; i++) vmwrite((enum field)(EXIT_BITMAPS + 2 * i), 0);
    vmwrite((enum field)STATUS, bug == BUG_SVI ? VECTOR_HIGH << 8 : 0);
    control_on(PROC_TPR_SHADOW);
    vmwrite(FIELD_PROC2_CONTROLS, vmread(FIELD_PROC2_CONTROLS) | PROC2_VIRTUAL_INTERRUPTS);
    if (bug == BUG_VIRR) *(uint32_t *)(page + VIRR + VECTOR_HIGH / 32 * 16) = 1u << VECTOR_HIGH % 32;
    if (bug == BUG_TRIGGER) bug_second_apic(page);
    if (bug != BUG_POSTED) return;
    vmwrite((enum field)DESCRIPTOR, (uint64_t)descriptor);
    vmwrite((enum field)VECTOR, 0xf2);
    vmwrite(FIELD_PIN_CONTROLS, vmread(FIELD_PIN_CONTROLS) | PIN_CONTROLS_POSTED);
    ((uint32_t *)descriptor)[VECTOR_HIGH / 32] = 1u << VECTOR_HIGH % 32;
}

// --- state ---

// As an interrupt's entry would: its own GS base for that of whoever was interrupted. The value that is found there is
// the guest's.
static void swap_gs(void) {
    enum { OURS = 0x1111000, GUESTS = 0x2222000 };
    static unsigned exits;
    if (++exits > 2) return;
    if (exits == 1) {
        uint64_t base = rdmsr(MSR_GS_BASE);
        wrmsr(MSR_GS_BASE, OURS);
        __asm__ volatile("swapgs" ::: "memory");
        for (volatile int i = 0; i < 8; i++) {}
        __asm__ volatile("swapgs" ::: "memory");
        wrmsr(MSR_GS_BASE, GUESTS);
        __asm__ volatile("swapgs" ::: "memory");
        wrmsr(MSR_GS_BASE, base);
    } else {
        __asm__ volatile("swapgs" ::: "memory");
    }
}

static void use_fpu(void) {
    const uint16_t control = 0x27f;
    __asm__ volatile("fninit; fldcw %0" ::"m"(control));
}

// --- progress ---

void bug_one_page(uint64_t *entry) {
    static uint64_t *last;
    if (last && last != entry) *last = 0;
    last = entry;
    (void)invept(INVALIDATE_ALL, 0);
}

static void close_interrupts(uint32_t reason) {
    if (reason == REASON_HLT) vmwrite(FIELD_GUEST_RFLAGS, vmread(FIELD_GUEST_RFLAGS) & ~RFLAGS_IF);
    if (reason == REASON_EXTERNAL_INTERRUPT) vmwrite(FIELD_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
}

void bug_change_guest(void) {
    if (bug == BUG_NONE) return;
    const uint32_t reason = (uint32_t)vmread(FIELD_EXIT_REASON);
    switch (bug) {
    case BUG_CR2: __asm__ volatile("mov %0, %%cr2" : : "r"((uint64_t)reason + 0x1000)); break;
    case BUG_FIELD: vmwrite(FIELD_GUEST_ES_BASE, vmread(FIELD_GUEST_ES_BASE) + 16); break;
    case BUG_IGNORED: vmwrite(FIELD_VMREAD_BITMAP, vmread(FIELD_IO_BITMAP_A)); break;
    case BUG_WINDOW: forget_window(reason); break;
    case BUG_TWICE: inject_again(reason); break;
    case BUG_VIRR:
    case BUG_SVI:
    case BUG_TRIGGER:
    case BUG_POSTED: use_virtual_apic(); break;
    case BUG_FPU: use_fpu(); break;
    case BUG_SWAPGS: swap_gs(); break;
    case BUG_STORM: control_on(PROC_MONITOR_TRAP_FLAG); break;
    case BUG_CLOSED: close_interrupts(reason); break;
    default: break;
    }
}
