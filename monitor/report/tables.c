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

static void file(struct translations *t, struct cpu *cpu, const struct sight *s, enum report_rule rule) {
    const uint64_t page = s->physical >> PAGE_SHIFT;
    struct report report = report_at(cpu, rule, s);
    const struct place place = {.space = PLACE_PHYSICAL, .bytes = 8, .address = s->physical & ~7ull};
    report_value(&report, "stored", place, s->value);
    report_value(&report, "what it replaces", place, s->old);
    report_value(&report, "the table translates from", (struct place){0}, t->base[page]);
    report.same = page;
    const struct table_change *c = translations_change(t, s->physical & ~7ull);
    if (c) translations_beginning(&report, c);
    report_file(t->reports, cpu, &report);
}

// --- half an entry ---

static bool overlaps_half(const struct translations *t, const struct sight *s) {
    return s->size == 4 && !(t->table[s->physical >> PAGE_SHIFT] & TABLE_32);
}

static void half_stored(struct translations *t, struct cpu *cpu, const struct sight *s) {
    struct half_entry *h = &t->half;
    if (!overlaps_half(t, s)) return;
    const bool second = h->at == (s->physical ^ 4) && h->processor == (uint64_t)cpu->id && h->at;
    if (second && h->read) file(t, cpu, s, RULE_tables_torn);
    *h = (struct half_entry){0};
    if (!second) h->at = s->physical, h->processor = (uint64_t)cpu->id;
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
        file(t, cpu, s, device ? RULE_tables_device : RULE_tables_guest);
    else if ((program || device) && kind & TABLE_LINEAR && is_live(t, &view, page, TABLE_LINEAR))
        file(t, cpu, s, device ? RULE_tables_device : RULE_tables_program);
}
