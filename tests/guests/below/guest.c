// The guest's processors: VMX operation, the VMCS of each, the states it begins in, the loop. SDM Vol. 3C, 23.7,
// 24, 26.
//
// Little leads to us: interrupts, ports and MSRs are the guest's. Without these controls a hypervisor costs next to
// nothing. NOT IMPLEMENTED: an NMI while we run, between a VM exit and the entry after it.
#include "below.h"
#include "interrupt.h"

static uint64_t basic, io_bitmap_a, io_bitmap_b, msr_bitmap;

static uint64_t capability(enum vmx_msr msr) {
    if (basic >> 55 & 1 && msr >= MSR_VMX_PIN && msr <= MSR_VMX_ENTRY) msr += MSR_VMX_TRUE_PIN - MSR_VMX_PIN;
    return rdmsr(msr);
}

// Appendix A.3: low half must-be-1, high half may-be-1. What we need must be there, what the guest would like may be.
static uint64_t settings(enum vmx_msr msr, uint64_t needed, uint64_t liked) {
    uint64_t c = capability(msr), may = c >> 32;
    if (needed & ~may) panic("this processor lacks VMX controls %lx of MSR %x", needed & ~may, msr);
    return (uint32_t)c | needed | (liked & may);
}

static uint64_t *region_new(void) {
    uint64_t *region = page_new();
    *region = (uint32_t)basic & ~(uint32_t)REVISION_SHADOW;
    return region;
}

// On each processor.
void vmx_start(void) {
    enum { CPUID_VMX = 1 << 5, CPUID_XSAVE = 1 << 26 };
    uint32_t features = cpuid(1, 0).ecx;
    if (!(features & CPUID_VMX)) panic("this processor has no VMX");
    if (!(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED))
        wrmsr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX);
    if (!(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_VMX)) panic("the firmware has switched VMX off");
    basic = rdmsr(MSR_VMX_BASIC);
    cr0_write(cr0_read() | CR0_NE);
    cr4_write(cr4_read() | CR4_VMXE | (features & CPUID_XSAVE ? CR4_OSXSAVE : 0)); // for the guest's XSETBV
    if (!vmxon((uint64_t)region_new())) panic("VMXON failed");
}

// --- what exits ---

// Of the ports ACPI's PM1a control register alone, where the guest switches the machine off (24.6.4).
static void io_bitmaps(void) {
    uint8_t *a = page_new();
    a[PORT_PM_CONTROL / 8] |= 3 << PORT_PM_CONTROL % 8;
    io_bitmap_a = (uint64_t)a;
    io_bitmap_b = (uint64_t)page_new();
}

// Of the MSRs those of VMX, which the guest is not to have (24.6.9): bit arrays for reads, and 2 KBytes on for writes.
static void msr_exits(uint8_t *bitmap, unsigned index) {
    bitmap[index / 8] |= 1 << index % 8;
    bitmap[2048 + index / 8] |= 1 << index % 8;
}

static void msr_bitmaps(void) {
    uint8_t *bitmap = page_new();
    msr_exits(bitmap, MSR_FEATURE_CONTROL);
    for (unsigned i = MSR_VMX_BASIC; i <= MSR_VMX_LAST; i++) msr_exits(bitmap, i);
    msr_bitmap = (uint64_t)bitmap;
}

static void setup_controls(void) {
    vmwrite(FIELD_PIN_CONTROLS, settings(MSR_VMX_PIN, 0, 0));
    vmwrite(FIELD_PROC_CONTROLS, settings(MSR_VMX_PROC, PROC_IO_BITMAPS | PROC_MSR_BITMAPS | PROC_SECONDARY, 0));
    vmwrite(FIELD_PROC2_CONTROLS, settings(MSR_VMX_PROC2, PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED,
                                           PROC2_RDTSCP | PROC2_INVPCID | PROC2_XSAVES | PROC2_USER_WAIT));
    vmwrite(FIELD_EXIT_CONTROLS,
            settings(MSR_VMX_EXIT, EXIT_HOST_64 | EXIT_SAVE_EFER | EXIT_LOAD_EFER | EXIT_SAVE_DEBUG, 0));
    vmwrite(FIELD_ENTRY_CONTROLS, settings(MSR_VMX_ENTRY, ENTRY_LOAD_EFER | ENTRY_LOAD_DEBUG, 0));
    vmwrite(FIELD_IO_BITMAP_A, io_bitmap_a);
    vmwrite(FIELD_IO_BITMAP_B, io_bitmap_b);
    vmwrite(FIELD_MSR_BITMAP, msr_bitmap);
    vmwrite(FIELD_EPT_POINTER, ept_pointer());
    vmwrite(FIELD_VPID, 1);
    vmwrite(FIELD_VMCS_LINK_POINTER, POINTER_NONE);
    vmwrite(FIELD_CR0_MASK, CR0_NE); // the two bits that VMX operation needs; the guest sees its own in the shadows
    vmwrite(FIELD_CR4_MASK, CR4_VMXE);
}

static void setup_host(void) {
    const struct {
        enum field field;
        uint64_t value;
    } host[] = {
        {FIELD_HOST_CR0, cr0_read()},
        {FIELD_HOST_CR3, cr3_read()},
        {FIELD_HOST_CR4, cr4_read()},
        {FIELD_HOST_EFER, rdmsr(MSR_EFER)},
        {FIELD_HOST_CS_SELECTOR, SELECTOR_CODE},
        {FIELD_HOST_SS_SELECTOR, SELECTOR_DATA},
        {FIELD_HOST_TR_SELECTOR, SELECTOR_TSS},
        {FIELD_HOST_TR_BASE, tss_base()},
        {FIELD_HOST_GDTR_BASE, gdt_base()},
        {FIELD_HOST_IDTR_BASE, idt_base()},
        {FIELD_HOST_RIP, (uint64_t)guest_exited},
    };
    for (unsigned i = 0; i < sizeof host / sizeof host[0]; i++) vmwrite(host[i].field, host[i].value);
}

void guest_setup(struct processor *p) {
    uint64_t vmcs = (uint64_t)region_new();
    memset(p, 0, sizeof *p);
    if (!msr_bitmap) io_bitmaps(), msr_bitmaps();
    if (!vmclear(vmcs) || !vmptrld(vmcs)) panic("the VMCS is refused");
    for (unsigned i = 0; i < FIELDS; i++) { // one that was never written has no defined contents
        enum field f = field_rows[i].encoding;
        if (field_rows[i].kind != INFORMATION && f != FIELD_VMREAD_BITMAP && f != FIELD_VMWRITE_BITMAP) vmwrite(f, 0);
    }
    setup_controls();
    setup_host();
}

// --- the states it begins in ---

static void segment_real_mode(enum field selector_field, uint16_t selector, uint64_t rights) {
    // The fields of a segment follow each other in each group: Appendix B, ES 0, CS 2, SS 4 and so on.
    unsigned which = selector_field - FIELD_GUEST_ES_SELECTOR;
    vmwrite(selector_field, selector);
    vmwrite(FIELD_GUEST_ES_BASE + which, (uint64_t)selector << 4);
    vmwrite(FIELD_GUEST_ES_LIMIT + which, 0xffff);
    vmwrite(FIELD_GUEST_ES_RIGHTS + which, rights);
}

// As after a reset or INIT, Table 9-1, but for CS:IP. Caches stay on, as the firmware has left them.
void guest_real_mode(uint16_t segment, uint16_t offset) {
    enum { CR0_ET = 1 << 4, DR7_INITIAL = 0x400, RFLAGS_FIXED = 2 };
    enum { RIGHTS_CODE = 0x9b, RIGHTS_DATA = 0x93, RIGHTS_LDT = 0x82, RIGHTS_TSS = 0x8b };
    for (enum field f = FIELD_GUEST_ES_SELECTOR; f <= FIELD_GUEST_GS_SELECTOR; f += 2)
        segment_real_mode(f, f == FIELD_GUEST_CS_SELECTOR ? segment : 0,
                          f == FIELD_GUEST_CS_SELECTOR ? RIGHTS_CODE : RIGHTS_DATA);
    segment_real_mode(FIELD_GUEST_LDTR_SELECTOR, 0, RIGHTS_LDT);
    segment_real_mode(FIELD_GUEST_TR_SELECTOR, 0, RIGHTS_TSS);
    vmwrite(FIELD_GUEST_GDTR_BASE, 0), vmwrite(FIELD_GUEST_GDTR_LIMIT, 0xffff);
    vmwrite(FIELD_GUEST_IDTR_BASE, 0), vmwrite(FIELD_GUEST_IDTR_LIMIT, 0xffff);
    vmwrite(FIELD_GUEST_CR0, CR0_ET | CR0_NE), vmwrite(FIELD_CR0_SHADOW, CR0_ET);
    vmwrite(FIELD_GUEST_CR4, CR4_VMXE), vmwrite(FIELD_CR4_SHADOW, 0);
    vmwrite(FIELD_GUEST_CR3, 0);
    vmwrite(FIELD_GUEST_EFER, 0);
    vmwrite(FIELD_ENTRY_CONTROLS, vmread(FIELD_ENTRY_CONTROLS) & ~ENTRY_IA32E);
    vmwrite(FIELD_GUEST_DR7, DR7_INITIAL);
    vmwrite(FIELD_GUEST_RFLAGS, RFLAGS_FIXED);
    vmwrite(FIELD_GUEST_INTERRUPTIBILITY, 0);
    vmwrite(FIELD_GUEST_RIP, offset);
    vmwrite(FIELD_GUEST_RSP, 0);
    vmwrite(FIELD_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
}

void guest_wait_for_sipi(struct processor *p) {
    memset(p->gpr, 0, sizeof p->gpr);
    p->gpr[RDX] = cpuid(1, 0).eax; // Table 9-1
    guest_real_mode(0, 0);
    vmwrite(FIELD_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
}

void inject_exception(unsigned vector, bool has_error_code) {
    vmwrite(FIELD_ENTRY_INTERRUPTION,
            EVENT_VALID | EVENT_HARDWARE_EXCEPTION | vector | (has_error_code ? EVENT_ERROR_CODE : 0));
    if (has_error_code) vmwrite(FIELD_ENTRY_ERROR_CODE, 0);
}

// An event whose delivery this exit interrupted is given to the guest again: 27.2.4.
static void event_again(void) {
    uint64_t event = vmread(FIELD_IDT_VECTORING);
    if (!(event & EVENT_VALID)) return;
    vmwrite(FIELD_ENTRY_INTERRUPTION, event & ~BIT(12)); // reserved there
    if (event & EVENT_ERROR_CODE) vmwrite(FIELD_ENTRY_ERROR_CODE, vmread(FIELD_IDT_VECTORING_ERROR_CODE));
    vmwrite(FIELD_ENTRY_INSTRUCTION_LENGTH, vmread(FIELD_EXIT_INSTRUCTION_LENGTH));
}

void guest_run(struct processor *p) {
    for (;;) {
        if (enter_guest(p)) panic("entry to the guest failed: error %lu", vmread(FIELD_INSTRUCTION_ERROR));
        lock();
        uint32_t reason = (uint32_t)vmread(FIELD_EXIT_REASON);
        if (reason & REASON_ENTRY_FAILED) panic("entry to the guest failed: reason %u", reason & 0xffff);
        p->launched = true;
        account_exit(false, reason);
        event_again();
        exit_handle(p, reason);
        unlock();
    }
}
