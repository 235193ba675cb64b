// The walk of the EPT paging structures; see walk.h.
#include "vmx/ept/walk.h"
#include "cpu/watch/observe.h"
#include "vmx/ept/cache.h"

static void walk_from(struct cpu *cpu, struct ept_walk *w, const struct ept_rules *rules, unsigned top, uint64_t table,
                      uint64_t so_far) {
    uint64_t present = ept_present_bits(rules);
    w->rights = so_far;
    w->top = top;
    for (w->level = top;; w->level--) {
        w->at[w->level] = table | (w->guest_physical >> level_shift(w->level) & 511) << 3;
        uint64_t entry = 0;
        w->waits = walk_load(cpu, w->at[w->level], 64, &entry) != OUT_OK;
        if (w->waits) return;
        w->entry[w->level] = entry;
        OBSERVE_TELL(cpu, NULL, WALK, .number = 2, .size = 8, .value = entry, .linear = w->guest_physical,
                     .physical = w->at[w->level]);
        enum ept_kind kind = ept_kind_of(w->level, entry);
        w->absent = !(entry & present);
        w->bad = !w->absent && ept_misconfigured(kind, entry, rules);
        if (w->absent || w->bad) return;
        w->above = w->rights;
        w->rights &= entry;
        if (ept_maps(kind)) return;
        table = entry & EPT_ADDRESS;
    }
}

static bool suffices(const struct ept_walk *w, uint64_t needs) {
    return !w->waits && !w->absent && !w->bad && (w->rights & needs) == needs;
}

// From the lowest table that is cached; false: there is none, or the walk from it does not allow the access.
static bool walk_cached(struct cpu *cpu, struct ept_walk *w, const struct ept_rules *rules, uint64_t needs) {
    struct vmx *vmx = vmx_of(cpu);
    for (unsigned level = LEVEL_PD; level <= LEVEL_PDPT; level++) {
        const struct ept_entry *e = structure_slot(vmx, w->guest_physical, level);
        if (e->tag != structure_tag(w->guest_physical, level) || e->generation != vmx->ept_generation) continue;
        walk_from(cpu, w, rules, level - 1, e->page & EPT_ADDRESS, e->page & ept_present_bits(rules));
        return suffices(w, needs);
    }
    return false;
}

// No entry is read for an address wider than the walk.
static void walk_nowhere(struct ept_walk *w) {
    w->top = w->level = LEVEL_PML4;
    w->entry[LEVEL_PML4] = w->rights = 0;
    w->waits = w->bad = false;
    w->absent = true;
}

void ept_walk(struct cpu *cpu, struct ept_walk *w, const struct ept_rules *rules, uint64_t needs, uint64_t eptp) {
    if (unlikely(w->guest_physical >> EPT_WALK_BITS)) return walk_nowhere(w);
    if (!walk_cached(cpu, w, rules, needs))
        walk_from(cpu, w, rules, LEVEL_PML4, eptp & EPTP_ROOT, ept_present_bits(rules));
}

void ept_walk_remember(struct vmx *vmx, const struct ept_walk *w) {
    unsigned level = w->level + 1;
    if (level > LEVEL_PDPT || level > w->top) return;
    *structure_slot(vmx, w->guest_physical, level) =
        (struct ept_entry){.tag = structure_tag(w->guest_physical, level),
                           .generation = vmx->ept_generation,
                           .page = (w->entry[level] & EPT_ADDRESS) | w->above};
}
