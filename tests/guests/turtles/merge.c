// Entering L2 for L1: vmcs02 is made from vmcs12, which says what L1 wants, and from what we want ourselves. SDM Vol.
// 3C, chapter 26; the Turtles paper, 3.2.2 "VMCS Shadowing" and 3.2.3 "VMEntry and VMExit Emulation".
//
//     guest state     as in vmcs12
//     host state      ours, always (setup.c): each exit of L2 comes to us first
//     controls        an exit that either of us wants happens: bits are ORed; reflect.c then sees who wanted it
//     EPT, VPID       EPT02 (ept.c); one VPID for all of L1's guests
//     CR0, CR4        a bit is the host's if either of us wants that
//
// A VMWRITE may be an exit to somebody below us. So vmcs02's values are remembered, and only what differs is written:
// the paper copies only what was modified, too (3.5.1).
#include "guest.h"

static uint64_t vmcs02[FIELDS]; // what vmcs02 contains
static bool vmcs02_known;

void merge_note(unsigned index, uint64_t value) { vmcs02[index] = value; }

static void put(unsigned index, uint64_t value) {
    if (vmcs02_known && vmcs02[index] == value) return;
    vmwrite(field_rows[index].encoding, value);
    vmcs02[index] = value;
}
#define put02(name, value) put(INDEX_##name, value)

// --- VM-entry checks on L1's own settings. What the guest state must be the processor will check on vmcs02. ---
static unsigned check(bool launch) {
    if (launch && guest.vmcs12->launched) return ERROR_VMLAUNCH_NOT_CLEAR;
    if (!launch && !guest.vmcs12->launched) return ERROR_VMRESUME_NOT_LAUNCHED;
    bool io_bitmaps = get12(PROC_CONTROLS) & PROC_IO_BITMAPS;
    if (!capability_allows() || (get12(EPT_POINTER) & 0xfff) != (6 | 3 << 3)) return ERROR_CONTROLS;
    if (io_bitmaps && (get12(IO_BITMAP_A) % PAGE || get12(IO_BITMAP_B) % PAGE)) return ERROR_CONTROLS;
    if (get12(PROC2_CONTROLS) & PROC2_VPID && !get12(VPID)) return ERROR_CONTROLS;
    if (~get12(HOST_CR0) & (CR0_PE | CR0_NE | CR0_PG) || ~get12(HOST_CR4) & CR4_VMXE) return ERROR_HOST_STATE;
    if (!get12(HOST_CS_SELECTOR) || !get12(HOST_TR_SELECTOR)) return ERROR_HOST_STATE;
    return 0;
}

// --- the parts of vmcs02 ---
static void merge_controls(uint64_t entry_controls) {
    put02(PIN_CONTROLS, get12(PIN_CONTROLS));
    uint64_t proc = (get12(PROC_CONTROLS) & ~PROC_IO_BITMAPS) | PROC_UNCONDITIONAL_IO | PROC_HLT;
    put02(PROC_CONTROLS, guest.trap_for_interrupt ? proc | PROC_MONITOR_TRAP_FLAG : proc);
    put02(PROC2_CONTROLS, (get12(PROC2_CONTROLS) & ~PROC2_VMCS_SHADOWING) | PROC2_VPID);
    put02(EXIT_CONTROLS, get12(EXIT_CONTROLS));
    put02(ENTRY_CONTROLS, entry_controls);
    put02(EXCEPTION_BITMAP, get12(EXCEPTION_BITMAP));
    put02(PAGE_FAULT_MASK, get12(PAGE_FAULT_MASK));
    put02(PAGE_FAULT_MATCH, get12(PAGE_FAULT_MATCH));
    put02(EPT_POINTER, ept02_use(get12(EPT_POINTER)));
    put02(ENTRY_INTERRUPTION, get12(ENTRY_INTERRUPTION));
    if (!(get12(ENTRY_INTERRUPTION) & EVENT_VALID)) return;
    vmwrite(FIELD_ENTRY_ERROR_CODE, get12(ENTRY_ERROR_CODE));
    vmwrite(FIELD_ENTRY_INSTRUCTION_LENGTH, get12(ENTRY_INSTRUCTION_LENGTH));
}

// What L2 reads: where L1 owns a bit, L1's shadow; else the value L1 gave it, also where we own the bit.
static uint64_t shadow(uint64_t value, uint64_t mask12, uint64_t shadow12) {
    return (value & ~mask12) | (shadow12 & mask12);
}

static void merge_cr(void) {
    put02(CR0_MASK, get12(CR0_MASK) | CR0_NE);
    put02(CR0_SHADOW, shadow(get12(GUEST_CR0), get12(CR0_MASK), get12(CR0_SHADOW)));
    put02(GUEST_CR0, get12(GUEST_CR0) | CR0_NE);
    put02(CR4_MASK, get12(CR4_MASK) | CR4_VMXE);
    put02(CR4_SHADOW, shadow(get12(GUEST_CR4), get12(CR4_MASK), get12(CR4_SHADOW)));
    put02(GUEST_CR4, get12(GUEST_CR4) | CR4_VMXE);
}

static void merge_guest_state(void) {
    for (unsigned n = 0; n < fields_guest.count; n++) {
        unsigned i = fields_guest.index[n];
        put(i, guest.vmcs12->field[i]);
    }
}

// L1's guests share our VPID_L2: what one of them left must not serve another (the Turtles paper, 3.3). Without a
// VPID an entry flushes, as the manual says.
static void flush_if_other(void) {
    static uint64_t last_vpid12;
    bool has_vpid = get12(PROC2_CONTROLS) & PROC2_VPID;
    if (has_vpid && get12(VPID) == last_vpid12) return;
    last_vpid12 = has_vpid ? get12(VPID) : 0;
    if (!invvpid(INVALIDATE_SINGLE, VPID_L2)) panic("INVVPID failed");
}

// SDM Vol. 3C, 26.4: the VM-entry MSR-load area, as if L2 had written them. Returns the number of the entry that
// failed.
static uint64_t load_msrs(void) {
    for (uint64_t i = 0; i < get12(ENTRY_MSR_LOAD_COUNT); i++) {
        const uint64_t *entry = guest_pointer(get12(ENTRY_MSR_LOAD_ADDRESS) + 16 * i);
        if (!entry || !msr_write((uint32_t)entry[0], entry[1])) return i + 1;
    }
    return 0;
}

unsigned nested_enter(bool launch) {
    shadow_pull();
    unsigned error = check(launch);
    if (error) return error;
    bool injects = get12(ENTRY_INTERRUPTION) & EVENT_VALID, waiting = interrupt_is_pending();
    // An interrupt came for L1 while it could not take it. Now it can: external-interrupt exiting does not ask for
    // RFLAGS.IF. If this entry injects no event, L2 need not even begin. Else the event comes first, and the monitor
    // trap flag ends L2 right after that (25.5.2).
    guest.trap_for_interrupt = waiting && injects;
    if (!vmptrld(guest.vmcs02)) panic("VMPTRLD of vmcs02 failed");
    guest.in_l2 = true;
    merge_controls(get12(ENTRY_CONTROLS));
    merge_guest_state();
    merge_cr();
    flush_if_other();
    vmcs02_known = true;
    account_nested_entry();
    uint64_t failed_msr = load_msrs();
    if (failed_msr) {
        vmcs02_known = false;
        reflect(REASON_ENTRY_FAILED | REASON_MSR_LOADING);
        set12(EXIT_QUALIFICATION, failed_msr);
        shadow_push();
    } else if (waiting && !injects) {
        guest.vmcs12->launched = 1;
        reflect_interrupt((unsigned)interrupt_take());
    }
    return 0;
}

// VMfail: the processor finds fault with a control of L1's that passed our checks. L1 is where it was, before its
// VMLAUNCH.
void nested_entry_failed(void) {
    unsigned error = (unsigned)vmread(FIELD_INSTRUCTION_ERROR);
    guest.in_l2 = false;
    vmcs02_known = false;
    if (!vmptrld(guest.vmcs01)) panic("VMPTRLD of vmcs01 failed");
    nested_fail(error);
}
