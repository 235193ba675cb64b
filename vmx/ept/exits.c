// EPT violations, misconfigurations and their kin; see exits.h. Table 27-7 is in vmx/ept/right.def.
#include "vmx/ept/exits.h"
#include "vmx/ept/cache.h"
#include "cpu/memory/tlb.h"

enum outcome ept_violation(struct cpu *cpu, uint64_t guest_physical, const struct second_stage_access *access,
                           const struct ept_rules *rules, uint64_t together, uint64_t entry) {
    struct vmx *vmx = vmx_of(cpu);
    if (vmcs_on(vmx->vmcs, PROC2, EPT_VIOLATION_VE) && walk_waits(cpu, vmcs_get(vmx->vmcs, VE_INFORMATION_ADDRESS)))
        return OUT_SOLO;
    uint64_t qualification = ept_qualification(rules, access, together);
    uint64_t linear = cpu_64bit(cpu) ? access->linear : (uint32_t)access->linear;
    cache_forget(vmx, guest_physical);
    if (access->linear_valid && !access->page_walk) tlb_invalidate_page(cpu, access->linear);
    if (ept_convertible(cpu, entry)) return ept_exception(cpu, qualification, linear, guest_physical);
    exit_begin_access(cpu, EXIT_EPT_VIOLATION);
    vmx->exit.qualification = qualification;
    vmx->exit.has_linear = access->linear_valid;
    vmx->exit.guest_linear = linear;
    vmx->exit.has_physical = true;
    vmx->exit.guest_physical = guest_physical;
    return OUT_VMEXIT;
}

enum outcome ept_misconfiguration(struct cpu *cpu, uint64_t guest_physical) {
    struct vmx *vmx = vmx_of(cpu);
    exit_begin_access(cpu, EXIT_EPT_MISCONFIGURATION);
    vmx->exit.has_physical = true;
    vmx->exit.guest_physical = guest_physical;
    return OUT_VMEXIT;
}

enum outcome ept_log_full(struct cpu *cpu) {
    exit_begin_access(cpu, EXIT_PML_FULL);
    return OUT_VMEXIT;
}

// 29.4.6.1: never virtualized.
enum outcome ept_apic_access(struct cpu *cpu) {
    bool delivering = cpu->attempt.delivering_valid;
    exit_begin_access(cpu, EXIT_APIC_ACCESS);
    vmx_of(cpu)->exit.qualification = part(APIC_ACCESS, TYPE, delivering ? APIC_PHYSICAL_EVENT : APIC_PHYSICAL);
    return OUT_VMEXIT;
}
