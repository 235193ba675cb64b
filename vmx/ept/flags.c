// Accessed and dirty flags for EPT, page-modification logging. SDM Vol. 3C, 28.3.5, 28.3.6.
#include "vmx/ept/exits.h"
#include "vmx/ept/walk.h"

static uint64_t missing_flags(const struct ept_walk *w, unsigned level, bool write) {
    return (EPT_ACCESSED | (level == w->level && write ? EPT_DIRTY : 0)) & ~w->entry[level];
}

static void set_flags(struct cpu *cpu, struct ept_walk *w, bool write) {
    for (unsigned level = w->top; level >= w->level; level--) {
        uint64_t flags = missing_flags(w, level, write);
        if (!flags) continue;
        w->entry[level] |= flags;
        physical_store(cpu, w->at[level], 64, w->entry[level]);
    }
}

static void log_page(struct cpu *cpu, uint64_t guest_physical) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t index = vmcs_get(vmx->vmcs, PML_INDEX);
    physical_store(cpu, vmcs_get(vmx->vmcs, PML_ADDRESS) + 8 * index, 64, guest_physical & ~(PAGE_BYTES - 1));
    vmcs_set(vmx, PML_INDEX, (index - 1) & UINT16_MAX);
}

// Flags of either kind are not set while the log is full; that a page was written to is logged.
enum outcome ept_update_flags(struct cpu *cpu, struct ept_walk *w, bool write) {
    enum { LAST_INDEX = 511 };
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    bool missing = false, logs = vmcs_on(vmcs, PROC2, ENABLE_PML);
    for (unsigned level = w->top; level >= w->level; level--) missing |= missing_flags(w, level, write) != 0;
    if (!missing) return OUT_OK;
    if (logs && vmcs_get(vmcs, PML_INDEX) > LAST_INDEX) return ept_log_full(cpu);
    bool dirtied = missing_flags(w, w->level, write) & EPT_DIRTY;
    if (logs && dirtied && walk_waits(cpu, vmcs_get(vmcs, PML_ADDRESS))) return OUT_SOLO;
    set_flags(cpu, w, write);
    if (logs && dirtied) log_page(cpu, w->guest_physical);
    return OUT_OK;
}
