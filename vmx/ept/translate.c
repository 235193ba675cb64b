// Guest-physical to physical, as the processor does it: cache, walk, exits, flags. SDM Vol. 3C, 28.3; see ept.h.
#include "vmx/ept/cache.h"
#include "vmx/ept/ept.h"
#include "vmx/ept/exits.h"
#include "vmx/ept/walk.h"
#include "cpu/memory/tlb.h"

// `page`: with the rights as in EPT entries, EPT_DIRTY when a write needs no more, EPT_LARGE.
static enum outcome finish(struct cpu *cpu, const struct ept_rules *rules, const struct second_stage_access *access,
                           uint64_t page, struct second_stage_result *result) {
    bool execute = ept_executable(rules, access, page);
    result->page = (page & EPT_ADDRESS) | (page & EPT_WRITE ? TLB_WRITE : 0) | (execute ? TLB_EXECUTE : 0) |
                   (page & EPT_DIRTY ? TLB_DIRTY : 0);
    result->large = page & EPT_LARGE;
    bool apic = cpu->intercepts.apic_access == ((page & EPT_ADDRESS) | 1);
    return unlikely(apic && access->page_walk) ? ept_apic_access(cpu) : OUT_OK;
}

static uint64_t page_of(const struct ept_walk *w) {
    uint64_t offset = BIT(level_shift(w->level)) - 1;
    return ept_frame(w->level, w->entry[w->level]) | (w->guest_physical & offset & ~(PAGE_BYTES - 1));
}

enum outcome ept_translate(struct cpu *cpu, uint64_t guest_physical, const struct second_stage_access *access,
                           struct second_stage_result *result) {
    struct vmx *vmx = vmx_of(cpu);
    const struct ept_rules rules = ept_rules_of(&vmx->capability, vmx->vmcs);
    uint64_t needs = ept_needs(&rules, access), tag = cache_tag(guest_physical);
    bool write = ept_dirties(&rules, access);
    struct ept_entry *e = cache_slot(vmx, guest_physical);
    if (e->tag == tag && e->generation == vmx->ept_generation && (e->page & needs) == needs &&
        (!write || e->page & EPT_DIRTY))
        return finish(cpu, &rules, access, e->page, result);
    struct ept_walk w;
    w.guest_physical = guest_physical;
    ept_walk(cpu, &w, &rules, needs, vmcs_get(vmx->vmcs, EPT_POINTER));
    if (w.waits) return OUT_SOLO;
    if (w.bad) return ept_misconfiguration(cpu, guest_physical);
    uint64_t last = w.entry[w.level], together = w.absent ? 0 : w.rights;
    if (w.absent || (together & needs) != needs)
        return ept_violation(cpu, guest_physical, access, &rules, together, last);
    if (rules.accessed_dirty) TRY(ept_update_flags(cpu, &w, write));
    ept_walk_remember(vmx, &w);
    bool dirty = !rules.accessed_dirty || w.entry[w.level] & EPT_DIRTY;
    e->tag = tag;
    e->generation = vmx->ept_generation;
    e->page = page_of(&w) | w.rights | (dirty ? EPT_DIRTY : 0) | (w.level > LEVEL_PT ? EPT_LARGE : 0);
    return finish(cpu, &rules, access, e->page, result);
}
