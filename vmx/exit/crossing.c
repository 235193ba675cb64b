// What a VM exit or a VM entry had to move: the VMCS in whose region its state lies, and MSR areas. SDM Vol.
// 3C, 24.7.2, 24.8.2.
#include "vmx/exit/crossing.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmcs.h"

static struct timing_area area(uint64_t address, uint64_t count) {
    return (struct timing_area){address, count < MSR_AREA_MAX ? count : MSR_AREA_MAX};
}

void vmx_crossing(const struct cpu *cpu, struct timing_crossing *out) {
    *out = (struct timing_crossing){.vmcs = VMCS_NONE};
    if (!cpu->wire.extension) return;
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    if (!vmcs) return;
    out->vmcs = vmcs->pointer;
    out->level = level_running(cpu);
    out->reason = vmcs_get(vmcs, EXIT_REASON) & 0xffff;
    out->entry_load = area(vmcs_get(vmcs, ENTRY_MSR_LOAD_ADDRESS), vmcs_get(vmcs, ENTRY_MSR_LOAD_COUNT));
    out->exit_store = area(vmcs_get(vmcs, EXIT_MSR_STORE_ADDRESS), vmcs_get(vmcs, EXIT_MSR_STORE_COUNT));
    out->exit_load = area(vmcs_get(vmcs, EXIT_MSR_LOAD_ADDRESS), vmcs_get(vmcs, EXIT_MSR_LOAD_COUNT));
}
