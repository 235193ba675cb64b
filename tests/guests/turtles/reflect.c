// Leaving L2: whose exit is it? What L1 asked for is reflected: L1 finds itself after its VMLAUNCH or VMRESUME, at its
// HOST_RIP, with the exit described in vmcs12. SDM Vol. 3C, chapter 27; the Turtles paper, 3.2.3 and Figure 3.
#include "guest.h"

// --- does L1 want it? Chapter 25, by the controls in vmcs12 ---
static bool wants_io(void) {
    uint64_t q = vmread(FIELD_EXIT_QUALIFICATION), port = q >> 16 & 0xffff, size = (q & 7) + 1;
    if (!(get12(PROC_CONTROLS) & PROC_IO_BITMAPS)) return get12(PROC_CONTROLS) & PROC_UNCONDITIONAL_IO;
    for (; size--; port++) {
        const uint8_t *bitmap = guest_pointer(port & 0x8000 ? get12(IO_BITMAP_B) : get12(IO_BITMAP_A));
        if (port > 0xffff || !bitmap || bitmap[(port & 0x7fff) / 8] >> port % 8 & 1) return true;
    }
    return false;
}

// A write that changes a bit L1 owns. CLTS and LMSW exit only on bits that nobody here owns but L1.
static bool wants_cr_access(void) {
    uint64_t q = vmread(FIELD_EXIT_QUALIFICATION), value = gpr_get(q >> 8 & 15);
    if ((q >> 4 & 3) != 0) return true;
    if ((q & 15) == 0) return (value ^ get12(CR0_SHADOW)) & get12(CR0_MASK);
    return (value ^ get12(CR4_SHADOW)) & get12(CR4_MASK);
}

static bool wants(enum exit_reason reason) {
    switch (reason) {
    case REASON_HLT: return get12(PROC_CONTROLS) & PROC_HLT;
    case REASON_IO_INSTRUCTION: return wants_io();
    case REASON_CR_ACCESS: return wants_cr_access();
    case REASON_MONITOR_TRAP_FLAG: return get12(PROC_CONTROLS) & PROC_MONITOR_TRAP_FLAG;
    default: return true; // no control of ours was added that could be the reason
    }
}

// --- L2's state and the exit's description into vmcs12: 27.2, 27.3 ---
static uint64_t unmerge_cr(enum field field, uint64_t value12, uint64_t mask12, uint64_t our_mask, uint64_t shadow02) {
    uint64_t ours = our_mask & ~mask12;
    return (vmread(field) & ~(our_mask | mask12)) | (value12 & mask12) | (shadow02 & ours);
}

static void save_guest_state(void) {
    set12(GUEST_CR0, unmerge_cr(FIELD_GUEST_CR0, get12(GUEST_CR0), get12(CR0_MASK), CR0_NE, vmread(FIELD_CR0_SHADOW)));
    set12(GUEST_CR4,
          unmerge_cr(FIELD_GUEST_CR4, get12(GUEST_CR4), get12(CR4_MASK), CR4_VMXE, vmread(FIELD_CR4_SHADOW)));
    for (unsigned n = 0; n < fields_guest.count; n++) {
        unsigned i = fields_guest.index[n];
        guest.vmcs12->field[i] = vmread(field_rows[i].encoding);
        merge_note(i, guest.vmcs12->field[i]);
    }
    merge_note(INDEX_GUEST_CR0, vmread(FIELD_GUEST_CR0));
    merge_note(INDEX_GUEST_CR4, vmread(FIELD_GUEST_CR4));
    merge_note(INDEX_CR0_SHADOW, vmread(FIELD_CR0_SHADOW));
    merge_note(INDEX_CR4_SHADOW, vmread(FIELD_CR4_SHADOW));
    uint64_t entry = vmread(FIELD_ENTRY_CONTROLS); // an exit stores LMA there (27.2, unrestricted guests)
    set12(ENTRY_CONTROLS, (get12(ENTRY_CONTROLS) & ~ENTRY_IA32E) | (entry & ENTRY_IA32E));
    merge_note(INDEX_ENTRY_CONTROLS, entry);
}

static void save_information(void) {
    for (unsigned n = 0; n < fields_information.count; n++) {
        unsigned i = fields_information.index[n];
        guest.vmcs12->field[i] = vmread(field_rows[i].encoding);
    }
    set12(ENTRY_INTERRUPTION, get12(ENTRY_INTERRUPTION) & ~EVENT_VALID);
    merge_note(INDEX_ENTRY_INTERRUPTION, vmread(FIELD_ENTRY_INTERRUPTION));
}

static void store_msrs(void) {
    for (uint64_t i = 0; i < get12(EXIT_MSR_STORE_COUNT); i++) {
        uint64_t *entry = guest_pointer(get12(EXIT_MSR_STORE_ADDRESS) + 16 * i);
        if (!entry || !msr_read((uint32_t)entry[0], &entry[1])) panic("the guest's VM-exit MSR-store area is wrong");
    }
}

// --- L1's state as its VM exit loads it: 27.5. vmcs01 is current. ---
static void load_host_state(void) {
    enum { DR7_INITIAL = 0x400, RFLAGS_FIXED = 2 };
    setup_64bit_guest();
    vmwrite(FIELD_GUEST_CS_SELECTOR, get12(HOST_CS_SELECTOR));
    vmwrite(FIELD_GUEST_SS_SELECTOR, get12(HOST_SS_SELECTOR));
    vmwrite(FIELD_GUEST_DS_SELECTOR, get12(HOST_DS_SELECTOR));
    vmwrite(FIELD_GUEST_ES_SELECTOR, get12(HOST_ES_SELECTOR));
    vmwrite(FIELD_GUEST_FS_SELECTOR, get12(HOST_FS_SELECTOR));
    vmwrite(FIELD_GUEST_GS_SELECTOR, get12(HOST_GS_SELECTOR));
    vmwrite(FIELD_GUEST_TR_SELECTOR, get12(HOST_TR_SELECTOR));
    vmwrite(FIELD_GUEST_FS_BASE, get12(HOST_FS_BASE));
    vmwrite(FIELD_GUEST_GS_BASE, get12(HOST_GS_BASE));
    vmwrite(FIELD_GUEST_TR_BASE, get12(HOST_TR_BASE));
    vmwrite(FIELD_GUEST_GDTR_BASE, get12(HOST_GDTR_BASE));
    vmwrite(FIELD_GUEST_IDTR_BASE, get12(HOST_IDTR_BASE));
    vmwrite(FIELD_GUEST_SYSENTER_CS, get12(HOST_SYSENTER_CS));
    vmwrite(FIELD_GUEST_SYSENTER_ESP, get12(HOST_SYSENTER_ESP));
    vmwrite(FIELD_GUEST_SYSENTER_EIP, get12(HOST_SYSENTER_EIP));
    vmwrite(FIELD_GUEST_CR0, get12(HOST_CR0) | CR0_NE);
    vmwrite(FIELD_CR0_SHADOW, get12(HOST_CR0));
    vmwrite(FIELD_GUEST_CR3, get12(HOST_CR3));
    vmwrite(FIELD_GUEST_CR4, get12(HOST_CR4) | CR4_VMXE);
    vmwrite(FIELD_CR4_SHADOW, get12(HOST_CR4));
    vmwrite(FIELD_GUEST_EFER, get12(HOST_EFER));
    vmwrite(FIELD_GUEST_RSP, get12(HOST_RSP));
    vmwrite(FIELD_GUEST_RIP, get12(HOST_RIP));
    vmwrite(FIELD_GUEST_RFLAGS, RFLAGS_FIXED);
    vmwrite(FIELD_GUEST_DR7, DR7_INITIAL);
    vmwrite(FIELD_GUEST_DEBUGCTL, 0);
    vmwrite(FIELD_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    vmwrite(FIELD_GUEST_INTERRUPTIBILITY, 0);
    vmwrite(FIELD_GUEST_PENDING_DEBUG, 0);
    for (uint64_t i = 0; i < get12(EXIT_MSR_LOAD_COUNT); i++) {
        const uint64_t *entry = guest_pointer(get12(EXIT_MSR_LOAD_ADDRESS) + 16 * i);
        if (!entry || !msr_write((uint32_t)entry[0], entry[1])) panic("the guest's VM-exit MSR-load area is wrong");
    }
}

// vmcs02 is current; then vmcs01 is.
void reflect(uint32_t reason) {
    account_reflect(reason & 0xffff);
    if (reason & REASON_ENTRY_FAILED) {
        set12(EXIT_QUALIFICATION, vmread(FIELD_EXIT_QUALIFICATION)); // 26.8: nothing else is written
    } else {
        guest.vmcs12->launched = 1;
        save_guest_state();
        save_information();
        store_msrs();
    }
    set12(EXIT_REASON, reason);
    if (!vmptrld(guest.vmcs01)) panic("VMPTRLD of vmcs01 failed");
    guest.in_l2 = false;
    load_host_state();
    shadow_push();
}

void reflect_interrupt(unsigned vector) {
    reflect(REASON_EXTERNAL_INTERRUPT);
    set12(EXIT_QUALIFICATION, 0);
    set12(EXIT_INTERRUPTION, EVENT_VALID | EVENT_EXTERNAL | vector);
    set12(EXIT_ERROR_CODE, 0);
    set12(IDT_VECTORING, 0);
    shadow_push();
}

void nested_exit(uint32_t reason) {
    account_exit(true, reason & 0xffff);
    if (reason & REASON_ENTRY_FAILED) {
        reflect(reason);
    } else if (reason == REASON_EPT_VIOLATION) {
        if (ept02_violation()) event_requeue();
    } else if (reason == REASON_MONITOR_TRAP_FLAG && guest.trap_for_interrupt && !wants(reason)) {
        reflect_interrupt((unsigned)interrupt_take());
    } else if ((reason == REASON_VMREAD || reason == REASON_VMWRITE) && shadow12_access(reason)) {
        return;
    } else if (wants(reason)) {
        reflect(reason);
    } else {
        event_requeue();
        exit_handle(reason);
    }
}
