// What the controls of the current VMCS mean for the processor while it is in VMX non-root operation: the intercepts
// that bodies consult, second-stage translation, the tags of the TLB. All derived. SDM Vol. 3C, 24.6.
#include "vmx/ept/ept.h"
#include "vmx/vmcs/vmcs.h"

#define IF(group, control, bits) (vmcs_on(vmcs, group, control) ? (bits) : 0)

// Controls that enable a check; always consulted are the instructions that exit unconditionally, those whose condition
// lies in other fields, and those that an absent "enable" control makes #UD.
static uint64_t enabled_checks(const struct vmcs *vmcs) {
    uint64_t always = BIT(ICEPT_CPUID) | BIT(ICEPT_INVD) | BIT(ICEPT_GETSEC) | BIT(ICEPT_XSETBV) | BIT(ICEPT_VMX) |
                      BIT(ICEPT_TASK_SWITCH) | BIT(ICEPT_RDMSR) | BIT(ICEPT_WRMSR) | BIT(ICEPT_CR_WRITE) |
                      BIT(ICEPT_CLTS) | BIT(ICEPT_LMSW) | BIT(ICEPT_XSAVES) | BIT(ICEPT_XRSTORS) |
                      BIT(ICEPT_EXCEPTION) | BIT(ICEPT_RSM) | BIT(ICEPT_IRET);
    uint64_t io = BIT(ICEPT_IO) | BIT(ICEPT_INS_OUTS);
    uint64_t tables = BIT(ICEPT_GDTR_IDTR) | BIT(ICEPT_LDTR_TR);
    return always | IF(PROC, HLT_EXITING, BIT(ICEPT_HLT)) |
           IF(PROC, INVLPG_EXITING, BIT(ICEPT_INVLPG) | BIT(ICEPT_INVPCID)) |
           IF(PROC, MWAIT_EXITING, BIT(ICEPT_MWAIT)) | IF(PROC, INTERRUPT_WINDOW_EXITING, BIT(ICEPT_MWAIT)) |
           IF(PROC2, VIRTUAL_INTERRUPTS, BIT(ICEPT_MWAIT)) | IF(PROC, RDPMC_EXITING, BIT(ICEPT_RDPMC)) |
           IF(PROC, RDTSC_EXITING, BIT(ICEPT_RDTSC) | BIT(ICEPT_RDTSCP)) |
           IF(PROC, CR3_STORE_EXITING, BIT(ICEPT_CR_READ)) | IF(PROC, CR8_STORE_EXITING, BIT(ICEPT_CR_READ)) |
           IF(PROC, MOV_DR_EXITING, BIT(ICEPT_DR)) | IF(PROC, UNCONDITIONAL_IO_EXITING, io) |
           IF(PROC, USE_IO_BITMAPS, io) | IF(PROC, MONITOR_EXITING, BIT(ICEPT_MONITOR)) |
           IF(PROC, PAUSE_EXITING, BIT(ICEPT_PAUSE)) | IF(PROC2, PAUSE_LOOP_EXITING, BIT(ICEPT_PAUSE)) |
           IF(PROC2, DESCRIPTOR_TABLE_EXITING, tables) | IF(PROC2, WBINVD_EXITING, BIT(ICEPT_WBINVD)) |
           IF(PROC2, RDRAND_EXITING, BIT(ICEPT_RDRAND)) | IF(PROC2, RDSEED_EXITING, BIT(ICEPT_RDSEED)) |
           IF(PROC, TPR_SHADOW, BIT(ICEPT_CR8)) |
           (vmcs_on(vmcs, PROC2, ENABLE_RDTSCP) ? 0 : BIT(ICEPT_RDTSCP) | BIT(ICEPT_RDPID)) |
           (vmcs_on(vmcs, PROC2, ENABLE_INVPCID) ? 0 : BIT(ICEPT_INVPCID));
}

// What follows from fields of part CONTROL.
static struct intercepts controlled(const struct vmcs *vmcs) {
    return (struct intercepts){
        .enabled = enabled_checks(vmcs),
        .check = intercept_check,
        .event = intercept_event,
        .exit = exit_carry_out,
        .poll = intercept_poll,
        .shutdown = intercept_shutdown,
        .apic = virtual_apic_access,
        .apic_access = vmcs_on(vmcs, PROC2, VIRTUALIZE_APIC_ACCESSES) ? vmcs_get(vmcs, APIC_ACCESS_ADDRESS) | 1 : 0,
        .tsc_multiplier = vmcs_on(vmcs, PROC, TSC_OFFSETTING) && vmcs_on(vmcs, PROC2, TSC_SCALING)
                              ? vmcs_get(vmcs, TSC_MULTIPLIER)
                              : 0,
        .non_root = true,
        .unrestricted = vmcs_on(vmcs, PROC2, UNRESTRICTED_GUEST),
        .virtual_nmis = vmcs_on(vmcs, PIN, VIRTUAL_NMIS),
    };
}

static void establish_intercepts(struct cpu *cpu, struct vmx *vmx) {
    const struct vmcs *vmcs = vmx->vmcs;
    struct vmcs_derived *image = derived_of(vmx, vmcs);
    if (unlikely(image->since_image & PART_CONTROL)) image->intercepts = controlled(vmcs);
    image->since_image &= ~(uint32_t)PART_CONTROL;
    cpu->intercepts = image->intercepts;
    cpu->intercepts.cr0_mask = vmcs_get(vmcs, CR0_MASK);
    cpu->intercepts.cr0_shadow = vmcs_get(vmcs, CR0_SHADOW);
    cpu->intercepts.cr4_mask = vmcs_get(vmcs, CR4_MASK);
    cpu->intercepts.cr4_shadow = vmcs_get(vmcs, CR4_SHADOW);
    cpu->intercepts.tsc_offset = vmcs_on(vmcs, PROC, TSC_OFFSETTING) ? vmcs_get(vmcs, TSC_OFFSET) : 0;
}

void establish_non_root(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    bool ept = vmcs_on(vmcs, PROC2, ENABLE_EPT);
    establish_intercepts(cpu, vmx);
    cpu->vpid = vmcs_on(vmcs, PROC2, ENABLE_VPID) ? (uint16_t)vmcs_get(vmcs, VPID) : 0;
    cpu->eptp = ept ? (vmcs_get(vmcs, EPT_POINTER) & EPTP_ROOT) | 1 : 0;
    cpu->second_stage = ept ? ept_translate : NULL;
    if (ept) ept_use(vmx, vmcs_get(vmcs, EPT_POINTER));
}

// 23.8: INIT is blocked in VMX root operation. It waits where the run loop does not see it, until VMXOFF or VM entry.
static enum outcome poll_root(struct cpu *cpu) {
    if (cpu->boundary.pending & PENDING_INIT) {
        cpu_pend(cpu, PENDING_INIT, false);
        vmx_of(cpu)->init_blocked = 1;
    }
    return OUT_OK;
}

void init_unblock(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    if (vmx->init_blocked) cpu_pend(cpu, PENDING_INIT, true);
    vmx->init_blocked = 0;
}

void establish_root(struct cpu *cpu) {
    bool operation = vmx_of(cpu)->vmxon_pointer != VMCS_NONE;
    cpu->intercepts = (struct intercepts){.poll = operation ? poll_root : NULL};
    cpu->second_stage = NULL;
    cpu->eptp = 0;
    cpu->vpid = 0;
}
