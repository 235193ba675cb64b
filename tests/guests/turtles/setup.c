// Starting VMX operation, and the parts of vmcs01 and vmcs02 that are set once. SDM Vol. 3C, 23.7, 24.11, 26.1.
#include "bug.h"
#include "guest.h"
#include "interrupt.h"

extern const uint8_t guest_exited[], exit_stack[];
bool shadowing_wanted;
static uint32_t revision;
static uint64_t basic;

// What a control must be and may be stands in a capability MSR: low half must-be-1, high half may-be-1.
static uint64_t controls(enum vmx_msr msr, uint64_t wanted, const char *name) {
    if (basic >> 55 & 1 && msr >= MSR_VMX_PIN && msr <= MSR_VMX_ENTRY) msr += MSR_VMX_TRUE_PIN - MSR_VMX_PIN;
    uint64_t capability = rdmsr(msr);
    uint64_t value = (uint32_t)(wanted | capability);
    if (value & ~(capability >> 32)) panic("this processor lacks %s controls %lx", name, value & ~(capability >> 32));
    return value;
}

void vmx_start(void) {
    enum { CPUID_VMX = 1 << 5 };
    if (!(cpuid(1, 0).ecx & CPUID_VMX)) panic("this processor has no VMX");
    if (!(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED))
        wrmsr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX);
    basic = rdmsr(MSR_VMX_BASIC);
    revision = (uint32_t)basic & ~(uint32_t)REVISION_SHADOW;
    cr0_write(cr0_read() | CR0_NE);
    cr4_write(cr4_read() | CR4_VMXE);
    if (!vmxon(vmcs_new(0))) panic("VMXON failed");
    if (!(rdmsr(MSR_VMX_PROC2) >> 32 & PROC2_VMCS_SHADOWING)) shadowing_wanted = false;
}

uint64_t vmcs_new(uint32_t revision_bits) {
    uint32_t *region = page_new();
    region[0] = revision | revision_bits;
    return (uint64_t)region;
}

// A VMCS that was never written has no defined contents.
static void setup_zeros(void) {
    for (unsigned i = 0; i < FIELDS; i++) {
        bool for_shadowing = i == INDEX_VMREAD_BITMAP || i == INDEX_VMWRITE_BITMAP; // absent where that is
        if (field_rows[i].kind != INFORMATION && !(for_shadowing && !shadowing_wanted))
            vmwrite(field_rows[i].encoding, 0);
    }
}

// Ours, for every VM exit: SDM Vol. 3C, 24.5.
static void setup_host(void) {
    vmwrite(FIELD_HOST_CR0, cr0_read());
    vmwrite(FIELD_HOST_CR3, cr3_read());
    vmwrite(FIELD_HOST_CR4, cr4_read());
    vmwrite(FIELD_HOST_CS_SELECTOR, SELECTOR_CODE);
    vmwrite(FIELD_HOST_SS_SELECTOR, SELECTOR_DATA);
    vmwrite(FIELD_HOST_DS_SELECTOR, SELECTOR_DATA);
    vmwrite(FIELD_HOST_ES_SELECTOR, SELECTOR_DATA);
    vmwrite(FIELD_HOST_TR_SELECTOR, SELECTOR_TSS);
    vmwrite(FIELD_HOST_TR_BASE, tss_base());
    vmwrite(FIELD_HOST_GDTR_BASE, gdt_base());
    vmwrite(FIELD_HOST_IDTR_BASE, idt_base());
    vmwrite(FIELD_HOST_EFER, rdmsr(MSR_EFER));
    vmwrite(FIELD_HOST_RIP, (uint64_t)guest_exited);
    vmwrite(FIELD_HOST_RSP, (uint64_t)exit_stack);
}

// 24.6, 24.7, 24.8. Interrupts, HLT, CPUID, every MSR and nearly every port lead to us.
static void setup_controls(void) {
    uint64_t proc2 = PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED;
    vmwrite(FIELD_PIN_CONTROLS, controls(MSR_VMX_PIN, PIN_EXTERNAL_INTERRUPT, "pin-based"));
    vmwrite(FIELD_PROC_CONTROLS, controls(MSR_VMX_PROC, PROC_HLT | PROC_IO_BITMAPS | PROC_SECONDARY, "primary"));
    if (shadowing_wanted) proc2 |= PROC2_VMCS_SHADOWING;
    vmwrite(FIELD_PROC2_CONTROLS, controls(MSR_VMX_PROC2, proc2, "secondary"));
    vmwrite(FIELD_EXIT_CONTROLS,
            controls(MSR_VMX_EXIT, EXIT_HOST_64 | EXIT_ACKNOWLEDGE | EXIT_SAVE_EFER | EXIT_LOAD_EFER, "VM-exit"));
    vmwrite(FIELD_ENTRY_CONTROLS, controls(MSR_VMX_ENTRY, ENTRY_LOAD_EFER, "VM-entry"));
    vmwrite(FIELD_CR0_MASK, CR0_NE);   // NE and VMXE must be 1 while the guest runs, whatever it wants: its own
    vmwrite(FIELD_CR4_MASK, CR4_VMXE); // idea of them is in the read shadows
    vmwrite(FIELD_VMCS_LINK_POINTER, POINTER_NONE);
    vmwrite(FIELD_EXCEPTION_BITMAP, 0);
}

// The guest drives the serial port itself; other accesses lead to us.
static void setup_io_bitmaps(void) {
    uint8_t *bitmap_a = page_new(), *bitmap_b = page_new(); // ports 0 to 7FFFH, 8000H to FFFFH
    memset(bitmap_a, 0xff, PAGE);
    memset(bitmap_b, 0xff, PAGE);
    bitmap_a[PORT_SERIAL / 8] = 0;
    vmwrite(FIELD_IO_BITMAP_A, (uint64_t)bitmap_a);
    vmwrite(FIELD_IO_BITMAP_B, (uint64_t)bitmap_b);
}

enum { RIGHTS_CODE32 = 0xc09b, RIGHTS_CODE64 = 0xa09b, RIGHTS_DATA = 0xc093, RIGHTS_LDT = 0x10082, RIGHTS_TSS = 0x8b };

#define SEGMENT(name, limit, rights)                                                                                   \
    do {                                                                                                               \
        vmwrite(FIELD_GUEST_##name##_LIMIT, limit);                                                                    \
        vmwrite(FIELD_GUEST_##name##_RIGHTS, rights);                                                                  \
    } while (0)

// Limits and rights of flat segments, and the bases that the host-state area has no fields for.
static void setup_flat_segments(uint64_t code_rights) {
    enum { EVERYTHING = 0xffffffff };
    SEGMENT(CS, EVERYTHING, code_rights);
    SEGMENT(SS, EVERYTHING, RIGHTS_DATA);
    SEGMENT(DS, EVERYTHING, RIGHTS_DATA);
    SEGMENT(ES, EVERYTHING, RIGHTS_DATA);
    SEGMENT(FS, EVERYTHING, RIGHTS_DATA);
    SEGMENT(GS, EVERYTHING, RIGHTS_DATA);
    SEGMENT(LDTR, 0, RIGHTS_LDT);
    SEGMENT(TR, TSS_LIMIT, bug == BUG_STATE ? RIGHTS_TSS & ~2 : RIGHTS_TSS);
    vmwrite(FIELD_GUEST_CS_BASE, 0);
    vmwrite(FIELD_GUEST_SS_BASE, 0);
    vmwrite(FIELD_GUEST_DS_BASE, 0);
    vmwrite(FIELD_GUEST_ES_BASE, 0);
}

// 27.5.2: what the VMCS does not say. Selectors and some bases follow from the host-state area (reflect.c).
void setup_64bit_guest(void) {
    enum { TABLE_LIMIT = 0xffff };
    setup_flat_segments(RIGHTS_CODE64);
    vmwrite(FIELD_GUEST_GDTR_LIMIT, TABLE_LIMIT);
    vmwrite(FIELD_GUEST_IDTR_LIMIT, TABLE_LIMIT);
    vmwrite(FIELD_ENTRY_CONTROLS, vmread(FIELD_ENTRY_CONTROLS) | ENTRY_IA32E);
}

// The state a multiboot loader leaves: 32-bit protected mode, flat, paging off. An unrestricted guest may be in it.
static void setup_boot_state(void) {
    enum { CR0_ET = 1 << 4, DR7_INITIAL = 0x400, RFLAGS_FIXED = 2 };
    vmwrite(FIELD_CR0_SHADOW, CR0_PE | CR0_ET);
    vmwrite(FIELD_GUEST_CR0, CR0_PE | CR0_ET | CR0_NE);
    vmwrite(FIELD_CR4_SHADOW, 0);
    vmwrite(FIELD_GUEST_CR4, CR4_VMXE);
    vmwrite(FIELD_GUEST_DR7, DR7_INITIAL);
    vmwrite(FIELD_GUEST_RFLAGS, RFLAGS_FIXED);
    setup_flat_segments(RIGHTS_CODE32);
}

void setup_vmcs01(void) {
    setup_zeros();
    setup_host();
    setup_controls();
    setup_io_bitmaps();
    vmwrite(FIELD_VPID, VPID_L1);
    vmwrite(FIELD_EPT_POINTER, ept_init());
    if (shadowing_wanted) shadow_init();
    setup_boot_state();
}

// The rest of vmcs02 is written at each entry (merge.c).
void setup_vmcs02(void) {
    setup_zeros();
    setup_host();
    vmwrite(FIELD_VMCS_LINK_POINTER, POINTER_NONE);
    vmwrite(FIELD_VPID, VPID_L2);
}
