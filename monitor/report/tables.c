// Pages that live tables still use and that were given another use: a guest stores to a table of the EPT that
// translates it, a program to the page tables that translate it, a device to either. And entries that a walk reads
// while another processor has stored half of them: it may use what never was meant. SDM Vol. 3A, 4.10.2, 8.1.1; Vol.
// 3C, 28.3.2. NOT IMPLEMENTED: tables that are live on another processor only; a page that is read by its new owner.
#include "monitor/report/translations.h"
#include "vmx/history/history.h"

// Whether the walk reads an entry of the page.
static bool passes(const struct view *view, const struct walk *w, uint64_t page) {
    for (unsigned i = 0; i < w->look.count; i++) {
        uint64_t at = w->look.entry[i].at;
        if (at == LOOK_REGISTER) continue;
        (void)walk_entry_physical(view, w, i, &at);
        if (at >> PAGE_SHIFT == page) return true;
    }
    return false;
}

// Of a guest of a guest: through the EPTs that the hypervisors wrote.
static bool own_passes(const struct view *view, uint64_t address, uint64_t page) {
    struct nested n;
    if (view->level < 2 || !view->has_own_ept) return false;
    nested_walk(view, address, &n);
    for (unsigned i = 0; i < n.stages; i++)
        if (n.stage[i].has_ept && passes(view, &n.stage[i].walk, page)) return true;
    return false;
}

static bool is_live(const struct translations *t, const struct view *view, uint64_t page, uint8_t kind) {
    struct walk w;
    if (kind & TABLE_EPT) {
        if (!view->eptp) return false;
        if (own_passes(view, t->base[page], page)) return true;
        (void)walk_second_stage(view, t->base[page], &w);
    } else {
        (void)walk_first_stage(view, t->base[page], &w);
    }
    return passes(view, &w, page);
}

// --- where it began ---

struct beginning {
    const struct table_change *change;
    const char *what;
};

static void begin_with(struct beginning *b, const struct table_change *c, const char *what) {
    if (c && (!b->change || c->count > b->change->count)) *b = (struct beginning){c, what};
}

// Who gave the stored page away: changed an entry on the way of the walk. Who made it a table: the entry that leads to
// the one that lies in it.
static void look_along(const struct translations *t, const struct view *view, const struct walk *w, uint64_t page,
                       struct beginning *b) {
    const struct table_change *above = NULL;
    for (unsigned i = 0; i < w->look.count; i++) {
        uint64_t at = w->look.entry[i].at;
        if (at == LOOK_REGISTER) continue;
        (void)walk_entry_physical(view, w, i, &at);
        const struct table_change *c = translations_change(t, at);
        if (!page) begin_with(b, c, "this instruction changed the entry that leads there");
        if (page && at >> PAGE_SHIFT == page) begin_with(b, above, "this instruction made the page a table");
        above = c;
    }
}

static void look_along_ept(const struct translations *t, const struct view *view, uint64_t address, uint64_t page,
                           struct beginning *b) {
    struct walk w;
    struct nested n = {0};
    if (view->level > 1 && view->has_own_ept) nested_walk(view, address, &n);
    for (unsigned i = 0; i < n.stages; i++)
        if (n.stage[i].has_ept) look_along(t, view, &n.stage[i].walk, page, b);
    if (b->change) return;
    (void)walk_second_stage(view, address, &w);
    look_along(t, view, &w, page, b);
}

static struct beginning beginning_of(const struct translations *t, const struct view *view, const struct sight *s,
                                     enum report_rule rule) {
    const uint64_t page = s->physical >> PAGE_SHIFT;
    struct beginning b = {0};
    struct walk w;
    const bool mapped = rule != RULE_tables_device && walk_first_stage(view, s->linear, &w);
    if (mapped && rule == RULE_tables_program) look_along(t, view, &w, 0, &b);
    if (mapped && rule == RULE_tables_guest) look_along_ept(t, view, w.look.result, 0, &b);
    if (b.change) return b;
    if (t->table[page] & TABLE_LINEAR) {
        (void)walk_first_stage(view, t->base[page], &w);
        look_along(t, view, &w, page, &b);
    } else if (view->eptp) {
        look_along_ept(t, view, t->base[page], page, &b);
    }
    return b;
}

static struct report report_of(const struct translations *t, const struct cpu *cpu, const struct sight *s,
                               enum report_rule rule) {
    const uint64_t page = s->physical >> PAGE_SHIFT;
    struct report report = report_at(cpu, rule, s);
    const struct place place = {.space = PLACE_PHYSICAL, .bytes = 8, .address = s->physical & ~7ull};
    report_value(&report, "stored", place, s->value);
    report_value(&report, "what it replaces", place, s->old);
    report_value(&report, "the table translates from", (struct place){0}, t->base[page]);
    report.same = page;
    return report;
}

static void file(struct translations *t, struct cpu *cpu, const struct sight *s, const struct view *view,
                 enum report_rule rule) {
    struct report report = report_of(t, cpu, s, rule);
    const struct beginning b = beginning_of(t, view, s, rule);
    if (b.change) {
        translations_beginning(&report, b.change);
        report.began = b.what;
    }
    report_file(t->reports, cpu, &report);
}

// --- half an entry ---

static bool overlaps_half(const struct translations *t, const struct sight *s) {
    return s->size == 4 && !(t->table[s->physical >> PAGE_SHIFT] & TABLE_32);
}

static void file_torn(struct translations *t, struct cpu *cpu, const struct sight *s) {
    const struct half_entry *h = &t->half;
    struct report report = report_of(t, cpu, s, RULE_tables_torn);
    report.began = "the first half was stored";
    report.beginning = (struct report_moment){h->step, h->rip, (uint32_t)h->processor, (uint32_t)h->level};
    report_file(t->reports, cpu, &report);
}

static void half_stored(struct translations *t, struct cpu *cpu, const struct sight *s) {
    struct half_entry *h = &t->half;
    if (!overlaps_half(t, s)) return;
    const bool second = h->at == (s->physical ^ 4) && h->processor == (uint64_t)cpu->id && h->at;
    if (second && h->read) file_torn(t, cpu, s);
    const struct report_moment m = report_moment(cpu, s);
    *h = (struct half_entry){0};
    if (!second) *h = (struct half_entry){s->physical, (uint64_t)cpu->id, 0, m.step, m.rip, m.level};
}

void tables_read(struct translations *t, const struct cpu *cpu, const struct sight *s) {
    struct half_entry *h = &t->half;
    if (h->at && (h->at & ~7ull) == s->physical && h->processor != (uint64_t)cpu->id && s->value & 7) h->read = 1;
}

// --- another use ---

void tables_stored(struct translations *t, struct cpu *cpu, const struct sight *s) {
    const uint64_t page = s->physical >> PAGE_SHIFT;
    const uint8_t kind = t->table[page];
    const bool device = s->linear == ~0ull && s->number == STORED_BY_DEVICE;
    const unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    struct view view;
    if (!(t->reports->kinds & BIT(REPORT_TABLES)) || (s->linear == ~0ull && !device)) return;
    half_stored(t, cpu, s);
    const bool guest = kind & (TABLE_EPT | TABLE_OWN) && level, program = kind & TABLE_LINEAR && cpu_cpl(cpu) == 3;
    if (!guest && !program && !device) return;
    if (!view_of(machine_of_translations(t), (unsigned)cpu->id, -1, vmx_history(cpu), &view, NULL, 0)) return;
    if ((guest || device) && is_live(t, &view, page, TABLE_EPT))
        file(t, cpu, s, &view, device ? RULE_tables_device : RULE_tables_guest);
    else if ((program || device) && kind & TABLE_LINEAR && is_live(t, &view, page, TABLE_LINEAR))
        file(t, cpu, s, &view, device ? RULE_tables_device : RULE_tables_program);
}
