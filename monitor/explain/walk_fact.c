// The facts of a translation: which rule an entry breaks, what an access needs. Rows of cpu/memory/entry.def,
// access_right.def, vmx/ept/entry.def and right.def. See walk.h.
#include "cpu/state/section.h"
#include "monitor/explain/walk.h"
#include <string.h>

struct answer {
    const struct view *view;
    const struct walk *walk;
    struct fact *facts;
    unsigned count, max;
};

static struct fact *add(struct answer *a, const char *rule, const char *text, unsigned section, bool holds) {
    if (a->count == a->max) return NULL;
    struct fact *f = &a->facts[a->count++];
    *f = (struct fact){.rule = rule,
                       .section = section_texts[section].number,
                       .section_title = section_texts[section].title,
                       .text = text,
                       .holds = holds,
                       .because = FACT_NO_CAUSE};
    return f;
}

// --- where values live ---

static uint32_t encoding_of(unsigned field) {
    struct vmx_field row;
    return vmx_field(field, &row) ? row.encoding : 0;
}

static struct place entry_place(const struct answer *a, unsigned entry) {
    const struct walk *w = a->walk;
    const struct look_entry *e = &w->look.entry[entry];
    struct place p = {.level = (uint8_t)a->view->level, .bytes = w->kind == WALK_32 ? 4 : 8, .address = e->at};
    if (e->at == LOOK_REGISTER) { // as the state table has it, or in the VMCS of a level that waits
        bool live = a->view->source == VIEW_LIVE;
        p.space = live ? PLACE_REGISTER : PLACE_FIELD;
        p.vmcs = a->view->vmcs;
        p.address = offsetof(struct cpu, control.pdpte) + 8ull * e->index;
        if (!live) p.address = encoding_of(FIELD_GUEST_PDPTE0 + e->index);
        return p;
    }
    if (w->kind == WALK_EPT) p.level = (uint8_t)w->memory;
    p.space = p.level ? PLACE_GUEST : PLACE_PHYSICAL;
    return p;
}

static void put(struct fact *f, const char *name, struct place place, uint64_t now, uint64_t needed, uint64_t mask) {
    if (f && f->values < FACT_VALUES) f->value[f->values++] = (struct fact_value){name, place, now, needed, mask, NULL};
}

static void put_entry(struct answer *a, struct fact *f, unsigned entry, uint64_t needed, uint64_t mask) {
    put(f, walk_entry_name(a->walk, entry), entry_place(a, entry), a->walk->look.entry[entry].value, needed, mask);
}

static void put_control(struct answer *a, struct fact *f, const char *name, size_t offset, int guest, int host,
                        uint64_t value) {
    const struct view *v = a->view;
    struct place p = {.space = PLACE_REGISTER, .level = (uint8_t)v->level, .bytes = 8, .address = offset};
    int field = v->source == VIEW_GUEST_AREA ? guest : host;
    if (v->source != VIEW_LIVE && field >= 0) {
        p.space = PLACE_FIELD;
        p.vmcs = v->source == VIEW_GUEST_AREA ? v->vmcs : vmx_current_vmcs(v->cpu);
        p.address = encoding_of((unsigned)field);
    }
    put(f, name, p, value, 0, 0);
}

// What a row of access_right.def read: a control register, or a bit of every entry.
static void put_read(struct answer *a, struct fact *f, const char *what, bool holds) {
    const struct walk *w = a->walk;
    uint64_t mask = 0;
    if (!strncmp(what, "CR0", 3))
        put_control(a, f, what, offsetof(struct cpu, control.cr0), FIELD_GUEST_CR0, FIELD_HOST_CR0, w->rules.cr0);
    else if (!strncmp(what, "CR4", 3))
        put_control(a, f, what, offsetof(struct cpu, control.cr4), FIELD_GUEST_CR4, FIELD_HOST_CR4, w->rules.cr4);
    else if (!strcmp(what, "PKRU"))
        put_control(a, f, what, offsetof(struct cpu, control.pkru), -1, -1, w->rules.pkru);
    else
        mask = !strcmp(what, "U/S") ? ENTRY_BIT_U : !strcmp(what, "R/W") ? ENTRY_BIT_W : ENTRY_BIT_XD;
    for (unsigned i = 0; mask && i < w->look.count; i++) {
        if (w->look.entry[i].kind == ENTRY_PDPTE_PAE) continue; // has no rights
        bool set = w->look.entry[i].value & mask;
        put_entry(a, f, i, holds ? w->look.entry[i].value & mask : set ? 0 : mask, mask);
    }
}

// --- why a walk ends ---

static void reserved_facts(struct answer *a) {
    const struct look_entry *e = walk_last(a->walk);
    unsigned last = a->walk->look.count - 1;
    for (unsigned i = 0; i < entry_rule_count; i++) {
        uint64_t bits = entry_reserved_row(i, e->kind, &a->walk->rules);
        if (!(e->value & bits)) continue;
        put_entry(a, add(a, entry_rules[i].name, entry_rules[i].text, entry_rules[i].section, false), last, 0, bits);
    }
}

static void misconfigured_facts(struct answer *a) {
    const struct look_entry *e = walk_last(a->walk);
    unsigned last = a->walk->look.count - 1;
    struct ept_rule r;
    for (unsigned i = 0; ept_misconfigured_row(i, e->kind, e->value, &a->walk->ept_rules, &r); i++)
        if (r.broken) put_entry(a, add(a, r.name, r.text, r.section, false), last, 0, r.bits);
}

static void present_fact(struct answer *a) {
    const struct look_entry *e = walk_last(a->walk);
    unsigned last = a->walk->look.count - 1;
    if (a->walk->kind == WALK_EPT) {
        struct ept_rule r = ept_present_row(e->value, &a->walk->ept_rules);
        put_entry(a, add(a, r.name, r.text, r.section, false), last, 0, 0); // any of the bits would do
    } else {
        const struct entry_rule *r = &entry_present_rule;
        put_entry(a, add(a, r->name, r->text, r->section, false), last, ENTRY_BIT_P, ENTRY_BIT_P);
    }
}

unsigned walk_facts(const struct view *view, const struct walk *walk, struct fact *facts, unsigned max) {
    struct answer a = {view, walk, facts, 0, max};
    if (walk->look.verdict == LOOK_NOT_PRESENT) present_fact(&a);
    if (walk->look.verdict != LOOK_RESERVED) return a.count;
    if (walk->kind == WALK_EPT)
        misconfigured_facts(&a);
    else
        reserved_facts(&a);
    return a.count;
}

// --- what an access needs ---

unsigned walk_right_facts(const struct view *view, const struct walk *walk, const struct translation_access *access,
                          struct fact *facts, unsigned max) {
    struct answer a = {view, walk, facts, 0, max};
    struct access_right r;
    uint64_t rights = walk->look.rights | walk->look.key;
    for (unsigned i = 0; access_right_row(i, &walk->rules, rights, access, &r); i++) {
        if (!r.applies) continue;
        struct fact *f = add(&a, r.name, r.text, r.section, r.holds);
        for (unsigned n = 0; n < r.reads; n++) put_read(&a, f, r.read[n].what, r.holds);
    }
    return a.count;
}

unsigned walk_ept_right_facts(const struct view *view, const struct walk *walk,
                              const struct second_stage_access *access, struct fact *facts, unsigned max) {
    struct answer a = {view, walk, facts, 0, max};
    struct ept_rule r;
    for (unsigned i = 0; ept_right_row(i, &walk->ept_rules, access, walk->look.rights, &r); i++) {
        if (!r.applies) continue;
        struct fact *f = add(&a, r.name, r.text, r.section, !r.broken);
        for (unsigned n = 0; n < walk->look.count; n++) put_entry(&a, f, n, r.bits, r.bits);
    }
    return a.count;
}

// --- an access ---

static bool read_machine(void *context, uint64_t physical, unsigned bytes, uint64_t *value) {
    const struct view *view = context;
    const void *from = machine_ram(view->machine, physical, bytes);
    *value = 0;
    if (from) memcpy(value, from, bytes);
    return from;
}

unsigned walk_access(const struct view *view, uint64_t linear, const struct translation_access *access,
                     struct access_answer *answer, struct fact *facts, unsigned max) {
    struct walk first, second;
    (void)walk_first_stage(view, linear, &first);
    struct access_question q = {.memory = {(void *)view, read_machine}, .second_stage = view->eptp, .eptp = view->eptp};
    q.roots = (struct look_roots){.rules = first.rules, .cr3 = view->cr3};
    memcpy(q.roots.pdpte, view->pdpte, sizeof q.roots.pdpte);
    if (view->eptp) {
        (void)walk_second_stage(view, 0, &second);
        q.ept = second.ept_rules;
    }
    ask_access(&q, linear, access, answer);
    first.look = answer->first;
    if (answer->first.verdict == LOOK_FORBIDDEN) return walk_right_facts(view, &first, access, facts, max);
    if (answer->verdict != ACCESS_EPT_VIOLATION && answer->verdict != ACCESS_EPT_MISCONFIGURATION)
        return walk_facts(view, &first, facts, max);
    second.look = answer->second;
    if (second.look.verdict == LOOK_FORBIDDEN) return walk_ept_right_facts(view, &second, &answer->refused, facts, max);
    return walk_facts(view, &second, facts, max);
}

// --- named bits ---

bool walk_bit(const struct walk *walk, unsigned entry, unsigned row, struct walk_bit *out) {
    struct entry_bits first;
    struct ept_bits second;
    const struct look_entry *e = &walk->look.entry[entry];
    if (walk->kind == WALK_EPT) {
        if (!ept_bits_row(row, &second)) return false;
        first = (struct entry_bits){second.kinds, second.high, second.low, second.name, second.text};
    } else if (!entry_bits_row(row, &first)) {
        return false;
    }
    bool means = first.kinds >> e->kind & 1;
    uint64_t value = (e->value & BITS(first.high, first.low)) >> first.low;
    *out = (struct walk_bit){first.name, first.text, means ? value : 0, first.high == first.low};
    return true;
}
