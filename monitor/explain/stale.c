// Translations that the TLB of a level still holds and that the tables no longer give, and which instruction was
// forgotten. SDM Vol. 3A, 4.10; Vol. 3C, 28.4.
//
// Only more than the tables give counts: another page, or rights that they lack now. Whether a guest-physical mapping
// went stale (INVEPT) or a linear one (INVLPG, INVVPID) is told by what the processor remembers of guest-physical
// mappings; where it remembers nothing, by the tables: a linear stage that fails is a linear mapping that went stale.
#include "monitor/explain/stale.h"
#include "monitor/explain/nested.h"
#include "cpu/memory/tlb.h"
#include "vmx/vmcs/vmx.h"

struct search {
    const struct view *view;   // as the processor knows it
    const struct view *levels; // with the EPTs that the hypervisors wrote
    struct stale *stale;
    stale_fn *found;
    void *context;
};

static uint64_t field(const struct view *v, enum vmcs_field which) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(v->cpu, v->vmcs, which, &value);
    return value;
}

static void describe(const struct view *v, struct stale *s) {
    bool vpid = v->level && field(v, FIELD_PROC_CONTROLS) >> PROC_ACTIVATE_SECONDARY & 1 &&
                field(v, FIELD_PROC2_CONTROLS) >> PROC2_ENABLE_VPID & 1;
    s->vpid = vpid ? (uint16_t)field(v, FIELD_VPID) : 0;
    s->pcid = !(v->cr0 & CR0_PG) ? TLB_PCID_NONE : v->cr4 & CR4_PCIDE ? (uint16_t)(v->cr3 & 0xfff) : 0;
    s->eptp = v->eptp ? (v->eptp & BITS(51, 12)) | 1 : 0;
}

static const struct tlb_context *context_of(const struct view *v, const struct stale *s) {
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        const struct tlb_context *c = &v->cpu->tlb->context[i];
        if (c->used && c->vpid == s->vpid && c->pcid == s->pcid && c->eptp == s->eptp) return c;
    }
    return NULL;
}

// --- what the tables give now ---

static struct stale_tables walk_again(const struct view *view, uint64_t linear, struct stale_look *look) {
    struct stale_tables t = {.read = true, .execute = true};
    look->two = false;
    t.linear = walk_first_stage(view, linear, &look->walk[0]);
    t.guest_physical = t.physical = look->walk[0].look.result;
    t.rights = TLB_WRITE | TLB_USER | TLB_EXECUTE | TLB_STAGE2_WRITE;
    if (!t.linear) return t;
    t.rights = look->walk[0].look.rights | TLB_STAGE2_WRITE;
    t.whole = true;
    if (!view->eptp) return t;
    const struct walk *second = &look->walk[1];
    look->two = true;
    t.whole = walk_second_stage(view, t.guest_physical, &look->walk[1]);
    t.physical = second->look.result;
    t.read = second->look.rights & EPT_READ;
    t.execute = second->look.rights & EPT_EXECUTE;
    if (!(second->look.rights & EPT_WRITE)) t.rights &= ~TLB_STAGE2_WRITE;
    return t;
}

// Accesses to the APIC-access page may go to the virtual-APIC page, and that is what the TLB has of it: Vol. 3C, 29.4.
static bool is_virtual_apic(const struct view *v, uint64_t page, const struct stale_tables *f) {
    if (!v->level || !f->whole || !(field(v, FIELD_PROC_CONTROLS) >> PROC_ACTIVATE_SECONDARY & 1)) return false;
    return field(v, FIELD_PROC2_CONTROLS) >> PROC2_VIRTUALIZE_APIC_ACCESSES & 1 &&
           (f->physical & TLB_PAGE_MASK) == (field(v, FIELD_APIC_ACCESS_ADDRESS) & TLB_PAGE_MASK) &&
           (page & TLB_PAGE_MASK) == (field(v, FIELD_VIRTUAL_APIC_ADDRESS) & TLB_PAGE_MASK);
}

static bool is_stale(uint64_t page, const struct stale_tables *f, bool fetch) {
    const uint64_t compared = TLB_WRITE | TLB_USER | TLB_EXECUTE | TLB_STAGE2_WRITE;
    if (!f->whole || (page & TLB_PAGE_MASK) != (f->physical & TLB_PAGE_MASK)) return true;
    if (page & compared & ~f->rights) return true;
    return fetch ? !f->execute : !f->read;
}

// The processor remembers that this guest-physical page is at `physical`, and EPT does not say so any more.
static bool mapping_is_stale(const struct search *s, uint64_t guest_physical, uint64_t physical) {
    struct vmx_mapping m;
    for (unsigned i = 0; vmx_mapping(s->view->cpu, i, &m); i++)
        if (m.valid && m.eptp == (s->stale->eptp & ~1ull) && m.guest_physical == (guest_physical & ~4095ull))
            return m.physical == physical;
    return false;
}

// --- one translation ---

static void tell(struct search *s, const struct stale_translation *t) {
    s->stale->guest_physical |= t->second_stage;
    s->stale->linear |= !t->second_stage;
    s->stale->found++;
    s->found(s->context, t);
}

// The processor's tables give what it remembers. Do the hypervisors' own?
static bool own_differs(const struct view *levels, struct stale_translation *t, struct nested *n) {
    if (!levels->has_own_ept || levels->level < 2 || !t->tables.linear) return false;
    nested_walk(levels, t->tables.guest_physical, n);
    bool writes = t->cached & TLB_STAGE2_WRITE && !(n->rights & EPT_WRITE);
    bool same = !n->fails && !writes && (n->physical & TLB_PAGE_MASK) == (t->cached & TLB_PAGE_MASK);
    if (same || n->fails == 1) return false; // level 0 may know more than its own EPT says
    t->own = true;
    t->own_fails = n->fails;
    t->own_physical = n->physical;
    return true;
}

static void check_own(struct search *s, struct stale_translation *t) {
    struct nested n;
    if (!own_differs(s->levels, t, &n)) return;
    s->stale->own = true;
    s->stale->found++;
    s->found(s->context, t);
}

static void check(struct search *s, const struct tlb_context *c, const struct tlb_entry *entry, unsigned count,
                  bool fetch) {
    for (unsigned i = 0; i < count; i++) {
        const struct tlb_entry *e = &entry[i];
        bool global = e->page & TLB_GLOBAL;
        if (e->tag & 1 || e->generation != (global ? c->global_generation : c->generation)) continue;
        s->stale->checked++;
        struct stale_look look;
        struct stale_translation t = {.fetch = fetch, .address = e->tag, .cached = e->page};
        t.tables = walk_again(s->view, e->tag, &look);
        const struct stale_tables *f = &t.tables;
        if (!is_stale(e->page, f, fetch) || is_virtual_apic(s->view, e->page, f)) {
            if (!is_virtual_apic(s->view, e->page, f)) check_own(s, &t);
            continue;
        }
        t.second_stage = s->stale->eptp && f->linear &&
                         (!f->whole || !f->read || mapping_is_stale(s, f->guest_physical, e->page & TLB_PAGE_MASK) ||
                          (e->page & TLB_STAGE2_WRITE & ~f->rights));
        tell(s, &t);
    }
}

// --- guest-physical mappings that no linear address uses now ---

static void check_mappings(struct search *s) {
    struct vmx_mapping m;
    struct walk w;
    for (unsigned i = 0; s->stale->eptp && vmx_mapping(s->view->cpu, i, &m); i++) {
        if (!m.valid || m.eptp != (s->stale->eptp & ~1ull)) continue;
        bool maps = walk_second_stage(s->view, m.guest_physical, &w);
        s->stale->checked++;
        if (maps && w.look.result == m.physical) continue;
        const struct stale_translation t = {.mapping = true,
                                            .second_stage = true,
                                            .address = m.guest_physical,
                                            .cached = m.physical,
                                            .tables = {.whole = maps, .physical = w.look.result}};
        tell(s, &t);
    }
}

void stale_search(const struct view *view, stale_fn *found, void *context, struct stale *stale) {
    struct view own = *view;
    struct search s = {&own, view, stale, found, context};
    own.has_own_ept = false; // the processor knows nothing of these
    *stale = (struct stale){0};
    describe(&own, stale);
    const struct tlb_context *c = context_of(&own, stale);
    for (unsigned b = 0; c && b < TLB_BANKS; b++) {
        const struct tlb_bank *bank = &own.cpu->tlb->bank[b];
        check(&s, c, bank->data, TLB_WAYS * TLB_DATA, false);
        check(&s, c, bank->fetch, TLB_WAYS * TLB_FETCH, true);
    }
    check_mappings(&s);
}

// What of a translation an access depends on.
static uint64_t needed(const struct view *view, uint64_t page, unsigned access) {
    uint64_t rights = view_cpl(view) == 3 ? TLB_USER : 0;
    if (access == POINT_WRITE) rights |= TLB_WRITE | TLB_STAGE2_WRITE;
    if (access == POINT_EXECUTE) rights |= TLB_EXECUTE;
    return page & (TLB_PAGE_MASK | rights);
}

bool stale_translation(const struct view *view, uint64_t linear, uint64_t page, unsigned access,
                       struct stale_translation *out, struct stale_look *look) {
    const bool fetch = access == POINT_EXECUTE;
    struct view own = *view;
    own.has_own_ept = false;
    *out = (struct stale_translation){.fetch = fetch, .address = linear, .cached = needed(view, page, access)};
    out->tables = walk_again(&own, linear, look);
    look->nested = view->has_own_ept && view->level > 1 && out->tables.linear;
    if (is_virtual_apic(view, out->cached, &out->tables)) return false;
    if (is_stale(out->cached, &out->tables, fetch)) {
        if (look->nested) nested_walk(view, out->tables.guest_physical, &look->own);
        return true;
    }
    return own_differs(view, out, &look->own);
}
