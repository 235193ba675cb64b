// The cache of guest-physical mappings: which entries count, and what drops them. SDM Vol. 3C, 28.4.
#include "vmx/ept/cache.h"
#include "vmx/ept/ept.h"
#include "vmx/level/view.h"

void ept_reset(struct vmx *vmx) {
    memset(vmx->ept, 0, sizeof vmx->ept);
    memset(vmx->ept_pde, 0, sizeof vmx->ept_pde);
    memset(vmx->ept_pdpte, 0, sizeof vmx->ept_pdpte);
    for (unsigned i = 0; i < EPT_TABLES; i++) vmx->ept_table[i] = (struct ept_table){.root = VMCS_NONE};
    vmx->ept_next_table = 0;
    vmx->ept_next_generation = 1;
    vmx->ept_generation = 0;
}

void ept_use(struct vmx *vmx, uint64_t eptp) {
    uint64_t root = eptp & EPTP_ROOT;
    for (unsigned i = 0; i < EPT_TABLES; i++) {
        if (vmx->ept_table[i].root != root) continue;
        vmx->ept_generation = vmx->ept_table[i].generation;
        return;
    }
    struct ept_table *t = &vmx->ept_table[vmx->ept_next_table % EPT_TABLES];
    vmx->ept_next_table = (vmx->ept_next_table + 1) % EPT_TABLES;
    *t = (struct ept_table){.root = root, .generation = vmx->ept_next_generation++};
    vmx->ept_generation = t->generation;
}

// In VMX non-root operation INVEPT always exits: the table in use is found again by the next VM entry.
void ept_invalidate(struct vmx *vmx, uint64_t eptp) {
    for (unsigned i = 0; i < EPT_TABLES; i++)
        if (vmx->ept_table[i].root == (eptp & EPTP_ROOT)) vmx->ept_table[i].generation = vmx->ept_next_generation++;
}

void ept_invalidate_all(struct vmx *vmx) {
    for (unsigned i = 0; i < EPT_TABLES; i++) vmx->ept_table[i].generation = vmx->ept_next_generation++;
}

void cache_forget(struct vmx *vmx, uint64_t guest_physical) {
    *cache_slot(vmx, guest_physical) = (struct ept_entry){0};
    *structure_slot(vmx, guest_physical, LEVEL_PD) = (struct ept_entry){0};
    *structure_slot(vmx, guest_physical, LEVEL_PDPT) = (struct ept_entry){0};
}

// The entries of a table have its generation; a table that was invalidated has a new one.
bool vmx_mapping(const struct cpu *cpu, unsigned index, struct vmx_mapping *out) {
    if (!cpu->wire.extension || index >= EPT_SETS) return false;
    const struct vmx *vmx = vmx_of(cpu);
    const struct ept_entry *e = &vmx->ept[index];
    *out = (struct vmx_mapping){.guest_physical = e->tag & ~(PAGE_BYTES - 1), .physical = e->page & EPT_ADDRESS};
    out->read = e->page & EPT_READ, out->write = e->page & EPT_WRITE, out->execute = e->page & EPT_EXECUTE;
    for (unsigned i = 0; e->tag & TAG_USED && i < EPT_TABLES; i++) {
        const struct ept_table *t = &vmx->ept_table[i];
        if (t->root == VMCS_NONE || t->generation != e->generation) continue;
        out->valid = true;
        out->eptp = t->root;
    }
    return true;
}
