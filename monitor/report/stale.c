// A translation is used that the tables no longer give. SDM Vol. 3A, 4.10.4; Vol. 3C, 28.4.3. Only what was taken away
// counts: an entry that gives more than before may be met by a page fault or VM exit that was not necessary, which the
// manual allows (4.10.4.3). Between a change and the flush of other processors they may go on as before (4.10.4.4): a
// use by another processor counts when the flush has not come within PATIENCE steps.
// NOT IMPLEMENTED: implicit accesses (descriptor tables, TSS); paging structures reached through a stale mapping; a
// change of CR3 that keeps the translations of its PCID.
#include "monitor/report/translations.h"

enum { PATIENCE = 4000000 };

static bool later(const struct table_change *a, const struct table_change *b) {
    return a && (!b || a->count > b->count);
}

// The last change of an entry on the way of a walk, of those that took something away.
static const struct table_change *change_of(const struct translations *t, const struct view *view,
                                            const struct walk *w) {
    const struct table_change *last = NULL;
    for (unsigned i = 0; i < w->look.count; i++) {
        uint64_t at = w->look.entry[i].at;
        if (at == LOOK_REGISTER) continue;
        (void)walk_entry_physical(view, w, i, &at);
        const struct table_change *c = translations_change(t, at);
        if (c && c->takes && later(c, last)) last = c;
    }
    return last;
}

static const struct table_change *own_change(const struct translations *t, const struct view *view,
                                             const struct nested *n) {
    const struct table_change *last = NULL;
    for (unsigned i = 0; i < n->stages; i++) {
        const struct table_change *c =
            n->stage[i].has_ept && n->stage[i].level > 1 ? change_of(t, view, &n->stage[i].walk) : NULL;
        if (later(c, last)) last = c;
    }
    return last;
}

// A hypervisor's EPT pointer that was not seen yet counts as none.
static bool all_known(const struct nested *n) {
    bool all = n->stages > 0;
    for (unsigned i = 0; i < n->stages; i++) all &= n->stage[i].has_ept;
    return all;
}

// Whether something may have been taken from their entries that is not remembered any more.
static bool own_forgot(const struct translations *t, const struct view *view, const struct nested *n) {
    for (unsigned i = 0; i < n->stages; i++)
        for (unsigned k = 0; n->stage[i].has_ept && k < n->stage[i].walk.look.count; k++) {
            uint64_t at = n->stage[i].walk.look.entry[k].at;
            (void)walk_entry_physical(view, &n->stage[i].walk, k, &at);
            if (translations_forgot(t, at)) return true;
        }
    return false;
}

struct finding {
    enum report_rule rule;
    const struct table_change *change;
};

// The pointer to the EPT that a hypervisor of this level wrote.
static uint64_t own_ept_by(const struct view *view, unsigned level) {
    return level + 1 < VMX_LEVELS ? view->own_ept[level + 1] : 0;
}

// Which entry is to blame: of the guest's page tables, of the processor's EPT, of an EPT that a guest wrote. A
// hypervisor that has executed INVEPT since is not; the one below it has not followed.
static struct finding find(const struct translations *t, const struct view *view, const struct stale_translation *s,
                           const struct stale_look *look) {
    struct finding f = {RULE_stale_linear, change_of(t, view, &look->walk[0])};
    const struct table_change *ept = look->two ? change_of(t, view, &look->walk[1]) : NULL;
    const struct table_change *own = look->nested ? own_change(t, view, &look->own) : NULL;
    if (later(ept, f.change)) f = (struct finding){RULE_stale_ept, ept};
    if (s->own) f = (struct finding){RULE_stale_ept, own};
    if (s->own && !own && all_known(&look->own) && !own_forgot(t, view, &look->own)) f.rule = RULE_composed_more;
    if (s->own && own && translations_invalidated(t, own->level, own_ept_by(view, own->level), own->count))
        f.rule = RULE_composed_outlived;
    return f;
}

static bool patient(const struct cpu *cpu, const struct table_change *c, const struct report_moment *now) {
    return c->processor != (unsigned)cpu->id && now->step - c->step < PATIENCE;
}

static bool wanted(const struct translations *t, enum report_rule rule) {
    return t->reports->kinds & BIT(report_row(rule)->kind);
}

static void add_change(struct report *report, const struct table_change *c) {
    const struct place entry = {.space = PLACE_PHYSICAL, .bytes = 8, .address = c->at};
    report_value(report, "the entry was", entry, c->old);
    report_value(report, "the entry is", entry, c->now);
    report->same = c->at;
    translations_beginning(report, c);
}

static void add_entry(const struct translations *t, struct report *report, const char *name, uint64_t at,
                      uint64_t value) {
    report_value(report, name, (struct place){.space = PLACE_PHYSICAL, .bytes = 8, .address = at}, value);
    const struct table_change *c = translations_change(t, at);
    report->same = at;
    if (c) translations_beginning(report, c);
}

static void ignore(void *context, const struct walk *walk, uint64_t address) {
    (void)context, (void)walk, (void)address;
}

// The entry that a hypervisor has merged, level 0 if no other is to blame, and who wrote it when that is known.
static void add_merged(const struct translations *t, struct report *report, const struct view *view,
                       const struct stale_look *look) {
    struct nested_merged wrong = {0};
    if (look->nested) nested_merged(view, &look->own, ignore, NULL, &wrong);
    const struct walk *w = wrong.level ? &wrong.walk : &look->walk[1];
    if ((!wrong.level && !look->two) || !w->look.count) return;
    const struct look_entry *e = walk_last(w);
    uint64_t at = e->at;
    (void)walk_entry_physical(view, w, w->look.count - 1, &at);
    if (wrong.level) report_value(report, "merged by level", (struct place){0}, wrong.level);
    add_entry(t, report, "the merged entry", at, e->value);
}

bool stale_used(struct translations *t, struct cpu *cpu, const struct stale_translation *s,
                const struct stale_look *look, const struct view *view, bool tell) {
    const struct finding f = find(t, view, s, look);
    const struct sight now = {.step = cpu_steps(cpu, NULL) + 1, .rip = cpu->rip, .kind = OBSERVE_WATCHPOINT};
    if ((!f.change && f.rule != RULE_composed_more) || !wanted(t, f.rule)) return false;
    struct report report = report_at(cpu, f.rule, &now);
    if (f.change && patient(cpu, f.change, &report.at)) return false;
    if (!tell) return true;
    const uint8_t level = (uint8_t)report.at.level;
    const uint64_t page = s->cached & TLB_PAGE_MASK;
    report_value(&report, s->fetch ? "fetched from" : "address",
                 (struct place){.space = PLACE_LINEAR, .level = level, .bytes = 8, .address = s->address}, s->address);
    report_value(&report, "the processor's translation", (struct place){0}, page);
    if (s->tables.whole)
        report_value(&report, "the tables' now", (struct place){0},
                     s->own ? s->own_physical & TLB_PAGE_MASK : s->tables.physical & TLB_PAGE_MASK);
    if (f.change) add_change(&report, f.change);
    if (!f.change) add_merged(t, &report, view, look);
    report_file(t->reports, cpu, &report);
    return true;
}

static bool begin(struct reports *reports) { return translations_begin(reports); }
static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    (void)reports, (void)cpu, (void)s, (void)level;
}
static void end(struct reports *reports) { translations_end(reports->translations); }

const struct detector detector_STALE = {.begin = begin, .see = see, .end = end};
const struct detector detector_COMPOSED = {.begin = begin, .see = see, .end = end};
const struct detector detector_TABLES = {.begin = begin, .see = see, .end = end};
