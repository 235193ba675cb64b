// What a lab need not do again once an earlier one has done it. SDM Vol. 3C, 23.7, 24.11, 26.2, 26.3.
#include "lab.h"

uint64_t vmcs_region(void) {
    uint32_t *region = page_new();
    *region = rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
    return (uint64_t)region;
}

void vmx_begin(void) {
    if (!(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCK))
        wrmsr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
    cr0_write(cr0_read() | CR0_NE);
    cr4_write(cr4_read() | CR4_VMXE);
    if (!vmxon(vmcs_region())) say("VMXON failed\n");
}

// The low half of a capability MSR has the bits that must be 1, the high half those that may be (A.3 to A.5).
uint64_t control(enum msr capability, uint64_t wanted) {
    const uint64_t msr = rdmsr(capability);
    return (wanted | (uint32_t)msr) & msr >> 32;
}

void vmcs_controls(void) {
    vmwrite(PIN_CONTROLS, control(MSR_VMX_TRUE_PIN, 0));
    vmwrite(PROC_CONTROLS, control(MSR_VMX_TRUE_PROC, BIT(PROC_HLT_EXITING) | BIT(PROC_ACTIVATE_SECONDARY)));
    vmwrite(PROC2_CONTROLS, control(MSR_VMX_PROC2, 0));
    vmwrite(EXIT_CONTROLS, control(MSR_VMX_TRUE_EXIT, BIT(EXIT_HOST_ADDRESS_SPACE_SIZE)));
    vmwrite(ENTRY_CONTROLS, control(MSR_VMX_TRUE_ENTRY, BIT(ENTRY_IA32E_MODE_GUEST)));
    vmwrite(EXCEPTION_BITMAP, 0);
    vmwrite(CR0_MASK, 0);
    vmwrite(CR4_MASK, 0);
    vmwrite(CR3_TARGET_COUNT, 0);
    vmwrite(EXIT_MSR_STORE_COUNT, 0);
    vmwrite(EXIT_MSR_LOAD_COUNT, 0);
    vmwrite(ENTRY_MSR_LOAD_COUNT, 0);
    vmwrite(ENTRY_INTERRUPTION, 0);
    vmwrite(TSC_OFFSET, 0);
}

struct table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));
#define STORE_TABLE(instruction)                                                                                       \
    ({                                                                                                                 \
        struct table t_;                                                                                               \
        __asm__ volatile(instruction " %0" : "=m"(t_));                                                                \
        t_;                                                                                                            \
    })

enum { CODE = 0x08, DATA = 0x10, TSS = 0x18, TSS_LIMIT = 103 };
static uint64_t tss_base(void) {
    const uint64_t *d = (const uint64_t *)(STORE_TABLE("sgdt").base + TSS);
    return (d[0] >> 16 & 0xffffff) | (d[0] >> 56) << 24 | d[1] << 32;
}

void vmcs_host(void) {
    vmwrite(HOST_CR0, cr0_read());
    vmwrite(HOST_CR3, cr3_read());
    vmwrite(HOST_CR4, cr4_read());
    vmwrite(HOST_CS_SELECTOR, CODE);
    vmwrite(HOST_SS_SELECTOR, DATA);
    vmwrite(HOST_DS_SELECTOR, DATA);
    vmwrite(HOST_ES_SELECTOR, DATA);
    vmwrite(HOST_FS_SELECTOR, DATA);
    vmwrite(HOST_GS_SELECTOR, DATA);
    vmwrite(HOST_TR_SELECTOR, TSS);
    vmwrite(HOST_FS_BASE, 0);
    vmwrite(HOST_GS_BASE, 0);
    vmwrite(HOST_TR_BASE, tss_base());
    vmwrite(HOST_GDTR_BASE, STORE_TABLE("sgdt").base);
    vmwrite(HOST_IDTR_BASE, STORE_TABLE("sidt").base);
    vmwrite(HOST_SYSENTER_CS, 0);
    vmwrite(HOST_SYSENTER_ESP, 0);
    vmwrite(HOST_SYSENTER_EIP, 0);
}

#define SEGMENT(name, selector, base, limit, rights)                                                                   \
    (vmwrite(GUEST_##name##_SELECTOR, selector), vmwrite(GUEST_##name##_BASE, base),                                   \
     vmwrite(GUEST_##name##_LIMIT, limit), vmwrite(GUEST_##name##_RIGHTS, rights))
enum { RIGHTS_CODE64 = 0xa09b, RIGHTS_DATA = 0xc093, RIGHTS_TSS = 0x8b, UNUSABLE = 1 << 16 };
#define NO_LIMIT 0xffffffff

void vmcs_guest(void (*rip)(void), const uint8_t *stack) {
    vmwrite(GUEST_CR0, cr0_read());
    vmwrite(GUEST_CR3, cr3_read());
    vmwrite(GUEST_CR4, cr4_read());
    vmwrite(GUEST_DR7, 0x400);
    SEGMENT(CS, CODE, 0, NO_LIMIT, RIGHTS_CODE64);
    SEGMENT(SS, DATA, 0, NO_LIMIT, RIGHTS_DATA);
    SEGMENT(DS, DATA, 0, NO_LIMIT, RIGHTS_DATA);
    SEGMENT(ES, DATA, 0, NO_LIMIT, RIGHTS_DATA);
    SEGMENT(FS, DATA, 0, NO_LIMIT, RIGHTS_DATA);
    SEGMENT(GS, DATA, 0, NO_LIMIT, RIGHTS_DATA);
    SEGMENT(LDTR, 0, 0, 0, UNUSABLE);
    SEGMENT(TR, TSS, tss_base(), TSS_LIMIT, RIGHTS_TSS);
    vmwrite(GUEST_GDTR_BASE, STORE_TABLE("sgdt").base);
    vmwrite(GUEST_GDTR_LIMIT, STORE_TABLE("sgdt").limit);
    vmwrite(GUEST_IDTR_BASE, STORE_TABLE("sidt").base);
    vmwrite(GUEST_IDTR_LIMIT, STORE_TABLE("sidt").limit);
    vmwrite(GUEST_RIP, rip);
    vmwrite(GUEST_RSP, stack - 8); // as after a CALL
    vmwrite(GUEST_RFLAGS, RFLAGS_FIXED);
    vmwrite(GUEST_INTERRUPTIBILITY, 0);
    vmwrite(GUEST_ACTIVITY, 0);
    vmwrite(GUEST_PENDING_DEBUG, 0);
    vmwrite(GUEST_SYSENTER_CS, 0);
    vmwrite(GUEST_SYSENTER_ESP, 0);
    vmwrite(GUEST_SYSENTER_EIP, 0);
    vmwrite(GUEST_DEBUGCTL, 0);
    vmwrite(VMCS_LINK_POINTER, ~0ull);
}

void guest_new(struct guest *guest, void (*rip)(void)) {
    *guest = (struct guest){.vmcs = vmcs_region(), .stack = (uint8_t *)page_new() + PAGE};
    if (!vmclear(guest->vmcs) || !vmptrld(guest->vmcs)) say("there is no VMCS: vmx_begin() comes first\n");
    vmcs_controls();
    vmcs_host();
    vmcs_guest(rip, guest->stack);
}

void guest_skip(void) { vmwrite(GUEST_RIP, vmread(GUEST_RIP) + vmread(EXIT_INSTRUCTION_LENGTH)); }
