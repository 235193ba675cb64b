// EPTP switching, VM function 0. SDM Vol. 3C, 25.5.6.3.
#include "vmx/ept/ept.h"
#include "cpu/memory/tlb.h"

bool ept_list_entry(struct cpu *cpu, uint32_t entry, uint64_t *eptp) {
    enum { LIST_ENTRIES = 512 };
    if (entry >= LIST_ENTRIES) return false;
    *eptp = physical_load(cpu, vmcs_get(vmx_of(cpu)->vmcs, EPTP_LIST_ADDRESS) + 8 * entry, 64);
    return true;
}

void ept_switch(struct cpu *cpu, uint64_t eptp, uint32_t entry) {
    struct vmx *vmx = vmx_of(cpu);
    vmcs_set(vmx, EPT_POINTER, eptp);
    vmcs_set(vmx, EPTP_INDEX, entry);
    cpu->eptp = (eptp & EPTP_ROOT) | 1;
    ept_use(vmx, eptp);
    if (!vmcs_on(vmx->vmcs, PROC2, ENABLE_VPID)) tlb_flush_vpid(cpu, 0, true);
    tlb_select(cpu);
}
