// The own EPTs of a guest of a guest, together, against the processor's; see nested.h.
#include "monitor/explain/nested.h"
#include "monitor/explain/memory_type.h"
#include "monitor/explain/own_vmcs.h"

// A table that cannot be read lies in memory that level 0's own EPT has lost, or never had: level 0 reads it elsewhere.
// (KVM splits a large page of EPT01 when it begins to watch a table of EPT12 in it.)
void nested_walk(const struct view *view, uint64_t guest_physical, struct nested *n) {
    n->level = view->level;
    n->stages = n->fails = 0;
    n->physical = guest_physical;
    n->rights = n->rights_with_0 = EPT_RIGHTS;
    n->type = TYPE_WB;
    for (unsigned level = view->level; level > 0; level--) {
        struct nested_stage *s = &n->stage[n->stages++];
        s->level = level;
        s->address = n->physical;
        s->has_ept = view->own_ept[level];
        if (!s->has_ept) continue;
        if (!walk_own_stage(view, level, n->physical, &s->walk)) {
            n->fails = s->walk.look.verdict == LOOK_NO_ENTRY ? 1 : level;
            return;
        }
        n->physical = s->walk.look.result;
        n->rights_with_0 &= s->walk.look.rights;
        if (level > 1) n->rights = n->rights_with_0;
        if (level == view->level) n->type = (unsigned)((walk_last(&s->walk)->value & EPT_MEMORY_TYPE) >> 3);
    }
}

// Level 0 may know better than its EPT for level 1 says, where level 1 has not been.
enum nested_difference nested_compare(const struct nested *n, const struct walk *processor) {
    bool maps = processor->look.verdict == LOOK_MAPS;
    uint64_t rights = processor->look.rights & EPT_RIGHTS;
    if (n->fails == 1) return maps ? NESTED_NOT_YET : NESTED_NOT_YET_MERGED;
    if (n->fails) return maps ? NESTED_STALE_MAPPED : NESTED_GIVES_EXIT;
    if (!maps) return NESTED_TO_BE_MERGED;
    if (processor->look.result != n->physical) return NESTED_STALE_ADDRESS;
    if (rights & ~n->rights) return NESTED_STALE_RIGHTS;
    if (rights & ~n->rights_with_0) return NESTED_MORE_THAN_LEVEL_0;
    return rights != n->rights_with_0 ? NESTED_LESS : NESTED_SAME;
}

// --- what hypervisors that are guests have merged for guests of their guests: SDM Vol. 3C, 28.3.2 ---

static uint64_t merged_ept(const struct view *view, unsigned level) {
    const struct vmcs_source source = {view->machine, view->history, view->cpu, level};
    uint64_t eptp;
    return vmcs_entered_field(&source, FIELD_EPT_POINTER, &eptp) ? eptp : 0;
}

// Where the levels above lead to in the memory of this one. False: nowhere.
static bool stands_for(const struct nested *n, unsigned level, uint64_t *address) {
    const unsigned stage = n->level - level;
    if (stage >= n->stages) return false;
    *address = n->stage[stage].address;
    return true;
}

void nested_merged(const struct view *view, const struct nested *n, nested_fn *each, void *context,
                   struct nested_merged *wrong) {
    wrong->level = 0;
    for (unsigned at = n->level - 2; n->level > 2 && at > 0; at--) {
        struct walk w;
        uint64_t address, eptp = merged_ept(view, at);
        if (!eptp || !walk_merged_stage(view, at, eptp, n->stage[0].address, &w)) continue;
        each(context, &w, n->stage[0].address);
        if (wrong->level || (stands_for(n, at, &address) && !((w.look.result ^ address) & -(uint64_t)PAGE_BYTES)))
            continue;
        *wrong = (struct nested_merged){at, w};
    }
}
