// What the controls of the current VMCS mean for the processor while it is in VMX non-root operation: the intercepts
// that bodies consult, second-stage translation, the tags of the TLB. All derived. SDM Vol. 3C, 24.6.
#include "vmx/apic/virtual_apic.h"
#include "vmx/ask/ask.h"
#include "vmx/ept/ept.h"
#include "vmx/exit/exit.h"

// What follows from fields of part CONTROL.
static struct intercepts controlled(const struct cpu *cpu) {
    const struct ask ask = ask_about(cpu);
    const struct vmcs *vmcs = ask.vmcs;
    return (struct intercepts){
        .enabled = ask_enabled(&ask),
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
    if (unlikely(image->since_image & PART_CONTROL)) image->intercepts = controlled(cpu);
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
