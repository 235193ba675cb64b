// Virtualization exceptions: EPT violations that the guest handles itself. SDM Vol. 3C, 25.5.7.
#include "vmx/ept/exits.h"

// Not while an event is being delivered, nor while the area is in use.
bool ept_convertible(struct cpu *cpu, uint64_t entry) {
    enum { BUSY_OFFSET = 4 };
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    if (!vmcs_on(vmcs, PROC2, EPT_VIOLATION_VE) || entry & EPT_SUPPRESS_VE) return false;
    if (!(cpu->control.cr0 & CR0_PE) || cpu->attempt.delivering_valid) return false;
    return !physical_load(cpu, vmcs_get(vmcs, VE_INFORMATION_ADDRESS) + BUSY_OFFSET, 32);
}

enum outcome ept_exception(struct cpu *cpu, uint64_t qualification, uint64_t linear, uint64_t guest_physical) {
    const struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    uint64_t area = vmcs_get(vmcs, VE_INFORMATION_ADDRESS);
    if (vmx->nmi_unblocked_step == cpu->time.steps) qualification |= INTERRUPTION_NMI_UNBLOCKING; // by this IRET
    physical_store(cpu, area, 64, EXIT_EPT_VIOLATION | (uint64_t)UINT32_MAX << 32);
    physical_store(cpu, area + 8, 64, qualification);
    physical_store(cpu, area + 16, 64, linear);
    physical_store(cpu, area + 24, 64, guest_physical);
    physical_store(cpu, area + 32, 16, vmcs_get(vmcs, EPTP_INDEX));
    return cpu_fault(cpu, VECTOR_VE);
}
