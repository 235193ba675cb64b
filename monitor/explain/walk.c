// Address translation as the tables in memory say; see walk.h.
#include "monitor/explain/walk.h"
#include <string.h>

// --- how the entries of a walk are read ---

struct reader {
    const struct view *view;
    unsigned memory; // EPT: of this level
};

static bool read_ram(const struct view *view, uint64_t physical, unsigned bytes, uint64_t *value) {
    const void *from = machine_ram(view->machine, physical, bytes);
    *value = 0;
    if (from) memcpy(value, from, bytes);
    return from;
}

static bool read_guest(void *context, uint64_t at, unsigned bytes, uint64_t *entry) {
    const struct reader *r = context;
    uint64_t physical;
    return walk_guest_physical(r->view, at, &physical) && read_ram(r->view, physical, bytes, entry);
}

static bool read_own(void *context, uint64_t at, unsigned bytes, uint64_t *entry) {
    const struct reader *r = context;
    uint64_t physical;
    return walk_own(r->view, r->memory, at, &physical) && read_ram(r->view, physical, bytes, entry);
}

bool walk_entry_physical(const struct view *view, const struct walk *w, unsigned entry, uint64_t *physical) {
    uint64_t at = w->look.entry[entry].at;
    if (at == LOOK_REGISTER) return false;
    if (w->kind == WALK_EPT) return w->memory && walk_own(view, w->memory, at, physical);
    return view->eptp && walk_guest_physical(view, at, physical);
}

// --- the stages ---

static struct paging_rules rules_of(const struct view *view) {
    struct paging_rules rules = paging_rules_of(view->cpu);
    rules.mode = paging_mode_of(view->cr0, view->cr4, view->efer);
    rules.cr0 = view->cr0, rules.cr4 = view->cr4, rules.efer = view->efer;
    return rules;
}

bool walk_first_stage(const struct view *view, uint64_t linear, struct walk *w) {
    struct reader reader = {.view = view};
    const struct look_memory memory = {&reader, read_guest, NULL};
    struct look_roots roots = {.rules = rules_of(view), .cr3 = view->cr3};
    memcpy(roots.pdpte, view->pdpte, sizeof roots.pdpte);
    w->kind = (enum walk_kind)roots.rules.mode;
    w->root = view->cr3;
    w->memory = 0;
    w->rules = roots.rules;
    return look_linear(&roots, &memory, linear, NULL, &w->look);
}

static bool walk_ept(const struct view *view, uint64_t eptp, unsigned memory_level, uint64_t address, struct walk *w) {
    struct reader reader = {view, memory_level};
    const struct look_memory memory = {&reader, read_own, NULL};
    uint64_t proc2 = view_field(view, FIELD_PROC2_CONTROLS);
    w->kind = WALK_EPT;
    w->root = eptp;
    w->memory = memory_level;
    w->ept_rules = ept_rules_with(view->cpu, eptp, proc2 >> PROC2_MODE_BASED_EXECUTE & 1);
    return ept_look(&w->ept_rules, &memory, eptp, address, &w->look);
}

bool walk_second_stage(const struct view *view, uint64_t guest_physical, struct walk *w) {
    return walk_ept(view, view->eptp, 0, guest_physical, w);
}

bool walk_own_stage(const struct view *view, unsigned level, uint64_t address, struct walk *w) {
    return walk_ept(view, view->own_ept[level], level - 1, address, w);
}

bool walk_merged_stage(const struct view *view, unsigned level, uint64_t eptp, uint64_t address, struct walk *w) {
    return walk_ept(view, eptp, level, address, w);
}

const char *walk_entry_name(const struct walk *w, unsigned entry) {
    unsigned kind = w->look.entry[entry].kind;
    return w->kind == WALK_EPT ? ept_forms[kind].name : entry_forms[kind].name;
}

// --- through the stages ---

static bool walk_own_now(const struct view *view, unsigned level, uint64_t address, uint64_t *physical) {
    struct walk w;
    for (; level > 0; level--) {
        if (!view->own_ept[level]) continue;
        if (!walk_own_stage(view, level, address, &w)) return level == 1 && backing_find(view, address, physical);
        address = w.look.result;
    }
    *physical = address;
    return true;
}

bool walk_own(const struct view *view, unsigned level, uint64_t address, uint64_t *physical) {
    enum { PLACES = sizeof view->memo->of / sizeof *view->memo->of };
    const uint64_t offset = address & (PAGE_BYTES - 1), key = (address - offset) | level << 1 | 1;
    if (!view->memo || level < 1) return walk_own_now(view, level, address, physical);
    const unsigned at = (unsigned)(address >> PAGE_SHIFT ^ level * 17) % PLACES;
    if (view->memo->of[at].key != key) {
        if (!walk_own_now(view, level, address, physical)) return false;
        view->memo->of[at].key = key;
        view->memo->of[at].physical = *physical - offset;
    }
    *physical = view->memo->of[at].physical + offset;
    return true;
}

bool walk_guest_physical(const struct view *view, uint64_t guest_physical, uint64_t *physical) {
    struct walk w;
    *physical = guest_physical;
    if (!view->eptp) return true;
    if (!walk_second_stage(view, guest_physical, &w)) {
        if (view->level == 1) return backing_find(view, guest_physical, physical);
        return view->has_own_ept && walk_own(view, view->level, guest_physical, physical);
    }
    *physical = w.look.result;
    return true;
}

bool walk_linear_to_guest(const struct view *view, uint64_t linear, uint64_t *guest_physical) {
    struct walk w;
    if (!walk_first_stage(view, linear, &w)) return false;
    *guest_physical = w.look.result;
    return true;
}

bool walk_linear(const struct view *view, uint64_t linear, uint64_t *physical) {
    uint64_t guest_physical;
    return walk_linear_to_guest(view, linear, &guest_physical) && walk_guest_physical(view, guest_physical, physical);
}
