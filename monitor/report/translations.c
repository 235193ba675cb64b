// Translations and the tables that they come from; see translations.h.
#include "monitor/report/translations.h"
#include "cpu/memory/tlb.h"
#include "vmx/level/level.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <stdlib.h>
#include <string.h>

enum { KNOWN = 1 << 14, CHAIN = 5 };

// Of one processor: what is known to be as the tables say; the entries of the walk in progress.
struct translation_cpu {
    struct known {
        uint64_t linear, page, context, epoch;
    } known[KNOWN];
    struct {
        uint64_t linear, at[CHAIN];
        unsigned count;
        uint8_t bytes;
    } chain;
    bool doubt_linear, doubt_ept; // caches of structures, of guest-physical mappings may be out of date
    bool drop;                    // at the next entry
    // The EPT pointers of hypervisors, which stay as they are while the guest runs.
    bool own_known, has_own_ept;
    uint64_t own_ept[VMX_LEVELS];
};

static const struct state_field fields[] = {
    STATE_ONE(struct translations, changes),
    STATE_EACH(struct translations, change, at),
    STATE_EACH(struct translations, change, old),
    STATE_EACH(struct translations, change, now),
    STATE_EACH(struct translations, change, count),
    STATE_EACH(struct translations, change, step),
    STATE_EACH(struct translations, change, rip),
    STATE_EACH(struct translations, change, processor),
    STATE_EACH(struct translations, change, takes),
    STATE_EACH(struct translations, change, spare),
    STATE_EACH_TO(struct translations, change, level, VMX_LEVELS - 1),
    STATE_ARRAY(struct translations, forgotten),
    STATE_ARRAY(struct translations, invalidated),
    STATE_EACH(struct translations, invalidated_one, eptp),
    STATE_EACH(struct translations, invalidated_one, changes),
    STATE_WORDS(struct translations, half),
};
// The machine is another one now: nothing is known of its translations.
static bool begin_again(const void *object) {
    const struct translations *t = object;
    for (unsigned i = 0; i < MACHINE_CPUS; i++) {
        struct translation_cpu *c = &t->of[i];
        memset(c->known, 0, sizeof c->known);
        c->chain.count = 0;
        c->doubt_linear = c->doubt_ept = true;
        c->own_known = false;
    }
    return true;
}
static const struct state_table table = STATE_TABLE("report translations", fields, begin_again);

static struct machine *machine_of(const struct translations *t) { return t->reports->monitor->look.machine; }
struct machine *machine_of_translations(const struct translations *t) {
    return machine_of(t);
}

// --- what is known ---

#define COMPARED (TLB_PAGE_MASK | TLB_WRITE | TLB_USER | TLB_EXECUTE | TLB_STAGE2_WRITE)

// Another one after forget_all.
static uint64_t context_of(const struct translations *t, uint64_t eptp, uint32_t vpid_pcid, bool fetch) {
    return t->era * 0x9e3779b97f4a7c15ull ^ (eptp & TLB_PAGE_MASK) ^ (uint64_t)vpid_pcid << 1 ^
           (uint64_t)vpid_pcid << 40 ^ fetch;
}

static struct known *known_at(struct translation_cpu *c, uint64_t linear, bool fetch) {
    return &c->known[((linear >> PAGE_SHIFT) ^ (linear >> 26) ^ (fetch ? KNOWN / 2 : 0)) % KNOWN];
}

enum { IS_KNOWN = 1, MAY_WRITE = 2 }; // of `linear`

// Who may write may read.
static void know(const struct translations *t, struct translation_cpu *c, uint64_t linear, uint64_t page,
                 uint64_t context, unsigned access) {
    const uint64_t tag = linear | IS_KNOWN | (access == POINT_WRITE ? MAY_WRITE : 0);
    *known_at(c, linear, access == POINT_EXECUTE) = (struct known){tag, page & COMPARED, context, t->epoch};
}

static bool is_known(const struct translations *t, struct translation_cpu *c, uint64_t linear, uint64_t page,
                     uint64_t context, unsigned access, bool ept) {
    const struct known *k = known_at(c, linear, access == POINT_EXECUTE);
    const uint64_t tag = k->linear | (access == POINT_WRITE ? 0 : MAY_WRITE);
    return tag == (linear | IS_KNOWN | MAY_WRITE) && k->page == (page & COMPARED) && k->context == context &&
           (!ept || k->epoch == t->epoch);
}

static void forget(struct translations *t, uint64_t linear) {
    for (unsigned i = 0; machine_cpu(machine_of(t), i); i++) {
        known_at(&t->of[i], linear, false)->linear = 0;
        known_at(&t->of[i], linear, true)->linear = 0;
    }
    machine_drop_linear(machine_of(t), linear);
}

static void forget_all(struct translations *t) {
    t->era++;
    for (unsigned i = 0; machine_cpu(machine_of(t), i); i++) machine_drop_quick(machine_of(t), i);
}

// --- tables ---

static void note_table(struct translations *t, uint64_t at, uint8_t kind, unsigned level, uint64_t base) {
    const uint64_t page = at >> PAGE_SHIFT;
    if (page >= t->pages) return;
    t->unread[page] = 0;
    const uint8_t is = (uint8_t)(kind | level * TABLE_LEVEL);
    if (t->table[page] == is && t->base[page] == base) return;
    if (!t->table[page]) machine_flag_page(machine_of(t), at, PAGE_TABLE, true);
    t->table[page] = (uint8_t)(is | (t->table[page] & TABLE_KINDS));
    if (t->table[page] != is) t->table[page] = (uint8_t)((t->table[page] & TABLE_KINDS) | level * TABLE_LEVEL);
    t->base[page] = base;
}

// The entries of a walk that ended with a page of this size, the last one first.
static void note_chain(struct translations *t, struct translation_cpu *c, uint64_t linear, uint64_t page) {
    if (c->chain.linear != linear) c->chain.count = 0;
    unsigned level = page & TLB_HUGE ? 3 : page & TLB_LARGE ? 2 : 1;
    const unsigned bits = c->chain.bytes == 4 ? 10 : 9;
    const uint8_t kind = (uint8_t)(TABLE_LINEAR | (c->chain.bytes == 4 ? TABLE_32 : 0));
    for (unsigned i = c->chain.count; i-- > 0; level++) {
        const unsigned shift = PAGE_SHIFT + bits * level;
        note_table(t, c->chain.at[i], kind, level, linear >> shift << shift);
    }
    c->chain.count = 0;
}

static void see_walk(struct translations *t, struct translation_cpu *c, const struct cpu *cpu, const struct sight *s) {
    tables_read(t, cpu, s);
    if (s->number == 2) {
        note_table(t, s->physical, TABLE_EPT, 0, s->linear & ~(PAGE_BYTES - 1));
        return;
    }
    const uint64_t linear = s->linear & ~(PAGE_BYTES - 1);
    if (c->chain.linear != linear || c->chain.count == CHAIN) c->chain.count = 0;
    c->chain.linear = linear;
    c->chain.bytes = s->size;
    c->chain.at[c->chain.count++] = s->physical;
}

// A translation was made by a walk just now: it is as the tables say, if what was cached of them is. Whether a merged
// EPT gives what it was merged from is looked at when it is used.
static void see_fill(struct translations *t, struct translation_cpu *c, const struct cpu *cpu, const struct sight *s) {
    const uint64_t linear = s->linear & ~(PAGE_BYTES - 1);
    const bool fetch = s->number == SIGHT_TLB_FETCH;
    note_chain(t, c, linear, s->value);
    if (!c->doubt_linear && !(s->physical && (c->doubt_ept || vmx_level(cpu) > 1)))
        know(t, c, linear, s->value, context_of(t, s->physical, (uint32_t)s->information, fetch),
             fetch ? POINT_EXECUTE : POINT_WRITE);
}

// --- INVEPT ---

static struct invalidated_one *invalidated_at(const struct translations *t, unsigned level, uint64_t eptp) {
    const unsigned at = level * INVEPTS + (unsigned)(eptp >> PAGE_SHIFT) % INVEPTS;
    return (struct invalidated_one *)(uintptr_t)&t->invalidated_one[at];
}

bool translations_invalidated(const struct translations *t, unsigned level, uint64_t eptp, uint64_t changes) {
    const struct invalidated_one *one = invalidated_at(t, level, eptp);
    return t->invalidated[level] >= changes || (!((one->eptp ^ eptp) & TLB_PAGE_MASK) && one->changes >= changes);
}

// Of a guest: the exit says which register has the type, and where the descriptor is.
static void see_guest_invept(struct translations *t, const struct cpu *cpu) {
    enum { SINGLE_CONTEXT = 1, REG2 = 28 };
    const unsigned level = vmx_level(cpu);
    uint64_t eptp = 0, information = 0;
    (void)vmx_vmcs_read(cpu, vmx_current_vmcs(cpu), FIELD_INSTRUCTION_INFORMATION, &information);
    if (cpu->gpr[information >> REG2 & 15] == SINGLE_CONTEXT && level_operand(cpu, &eptp))
        *invalidated_at(t, level, eptp) = (struct invalidated_one){eptp, t->changes};
    else
        t->invalidated[level] = t->changes;
}

static void see(void *context, struct cpu *cpu, const struct sight *s) {
    struct translations *t = context;
    struct translation_cpu *c = &t->of[cpu->id];
    switch (s->kind) {
    case OBSERVE_WALK: see_walk(t, c, cpu, s); break;
    case OBSERVE_TLB:
        if (s->number == SIGHT_TLB_DATA || s->number == SIGHT_TLB_FETCH)
            see_fill(t, c, cpu, s);
        else
            c->doubt_linear = false;
        break;
    case OBSERVE_VMX_INSTRUCTION:
        if (s->number == EXIT_INVEPT) c->doubt_ept = false;
        break;
    case OBSERVE_EXIT:
        if (s->number == EXIT_INVEPT) see_guest_invept(t, cpu);
        break;
    default:
        c->own_known = false;
        if (c->drop) machine_drop_quick(machine_of(t), (unsigned)cpu->id);
        c->drop = false;
    }
}

// --- stores to tables ---

static unsigned set_of(uint64_t at) { return (unsigned)(at >> 3 ^ at >> 12) % CHANGE_SETS; }

const struct table_change *translations_change(const struct translations *t, uint64_t at) {
    const struct table_change *c = &t->change[set_of(at) * CHANGE_WAYS];
    for (unsigned i = 0; i < CHANGE_WAYS; i++)
        if (c[i].count && c[i].at == at) return &c[i];
    return NULL;
}

bool translations_forgot(const struct translations *t, uint64_t at) {
    return t->forgotten[set_of(at)] && !translations_change(t, at);
}

void translations_beginning(struct report *report, const struct table_change *c) {
    report->began = "this instruction changed the entry";
    report->beginning = (struct report_moment){c->step, c->rip, c->processor, c->level};
}

// Whether something that the old entry gave is not given any more. Accessed and dirty flags do not count.
static bool takes_linear(uint64_t old, uint64_t now) {
    const uint64_t frame = BITS(51, 12);
    if (!(old & 1)) return false;
    return !(now & 1) || ((old ^ now) & (frame | BIT(7))) || (old & ~now & (BIT(1) | BIT(2))) || (now & ~old & BIT(63));
}
static bool takes_ept(uint64_t old, uint64_t now) {
    if (!(old & 7)) return false;
    return (old & ~now & 7) || ((old ^ now) & (BITS(51, 12) | BIT(7)));
}

// The place of the one at `at`, a free one, the oldest that took nothing, the oldest.
static struct table_change *place_of(struct translations *t, uint64_t at) {
    struct table_change *set = &t->change[set_of(at) * CHANGE_WAYS], *place = NULL;
    for (unsigned i = 0; i < CHANGE_WAYS; i++) {
        struct table_change *c = &set[i];
        if (c->count && c->at == at) return c;
        if (!place || c->takes < place->takes || (c->takes == place->takes && c->count < place->count)) place = c;
    }
    return place;
}

static void note_change(struct translations *t, const struct cpu *cpu, const struct sight *s, uint64_t at, uint64_t old,
                        uint64_t now, bool takes) {
    struct table_change *c = place_of(t, at);
    if (!takes && c->takes) return;
    if (c->takes && c->at != at) t->forgotten[set_of(at)]++;
    const struct report_moment m = report_moment(cpu, s);
    *c = (struct table_change){at, old, now, ++t->changes, m.step, m.rip, m.processor, m.level, takes, 0};
}

// What may come of an entry of the page tables at this level.
static void doubt_linear(struct translations *t, uint64_t page, unsigned index, unsigned level, unsigned bits) {
    const uint64_t first = t->base[page] + ((uint64_t)index << (PAGE_SHIFT + bits * (level - 1)));
    if (level == 1) {
        forget(t, first);
        return;
    }
    for (unsigned i = 0; machine_cpu(machine_of(t), i); i++) t->of[i].doubt_linear = true;
    if (level > 2 || bits != 9) {
        forget_all(t);
        return;
    }
    for (unsigned i = 0; i < 512; i++) forget(t, first + i * PAGE_BYTES);
}

// What comes of EPT is looked at when a guest is entered.
static void doubt_ept(struct translations *t) {
    t->epoch++;
    for (unsigned i = 0; machine_cpu(machine_of(t), i); i++) t->of[i].drop = t->of[i].doubt_ept = true;
}

static void change_entry(struct translations *t, struct cpu *cpu, const struct sight *s, uint64_t at, uint64_t old,
                         uint64_t now) {
    const uint64_t page = at >> PAGE_SHIFT;
    const uint8_t is = t->table[page];
    const unsigned bytes = is & TABLE_32 ? 4 : 8;
    bool linear = is & TABLE_LINEAR && takes_linear(old, now);
    bool ept = is & (TABLE_EPT | TABLE_OWN) && takes_ept(old, now);
    if (linear || ept || now & 7) note_change(t, cpu, s, at, old, now, linear || ept);
    if (linear && is / TABLE_LEVEL)
        doubt_linear(t, page, (unsigned)(at % PAGE_BYTES) / bytes, is / TABLE_LEVEL, bytes == 4 ? 10 : 9);
    if (ept) doubt_ept(t);
}

static uint64_t bytes_of(const uint8_t *from, unsigned bytes) {
    uint64_t value = 0;
    memcpy(&value, from, bytes);
    return value;
}

// A page that is stored to again and again while no walk reads it, or by pieces that are no entries, is no table any
// more, until a walk reads it.
static bool is_no_table(struct translations *t, const struct sight *s, unsigned bytes) {
    enum { STORES = 640, ODD = 64 };
    const uint64_t page = s->physical >> PAGE_SHIFT;
    const bool odd = s->size != bytes && s->size != 1 && s->size != 4;
    t->unread[page] = (uint16_t)(t->unread[page] + (odd || s->physical % s->size ? ODD : 1));
    if (t->unread[page] < STORES) return false;
    t->table[page] = 0;
    machine_flag_page(machine_of(t), s->physical, PAGE_TABLE, false);
    return true;
}

// Stores of the processor's own are its accessed and dirty flags.
static void store_hit(struct point *point, struct cpu *cpu, const struct sight *s) {
    struct translations *t = point->context;
    const uint64_t page = s->physical >> PAGE_SHIFT;
    if ((s->linear == ~0ull && s->number == STORED_BY_PROCESSOR) || page >= t->pages || !t->table[page]) return;
    tables_stored(t, cpu, s);
    const unsigned bytes = t->table[page] & TABLE_32 ? 4 : 8, size = s->size;
    if (!size || is_no_table(t, s, bytes)) return;
    for (uint64_t at = s->physical & -(uint64_t)bytes; at < s->physical + size; at += bytes) {
        const uint8_t *old = pages_read(machine_pages(machine_of(t)), at, bytes);
        uint8_t now[8] = {0}, stored[8];
        if (!old) return;
        memcpy(now, old, bytes);
        memcpy(stored, &s->value, sizeof stored);
        for (unsigned i = 0; i < bytes; i++)
            if (at + i - s->physical < size) now[i] = at + i - s->physical < 8 ? stored[at + i - s->physical] : 0;
        change_entry(t, cpu, s, at, bytes_of(old, bytes), bytes_of(now, bytes));
    }
}

// --- uses ---

static void note_entries(struct translations *t, const struct view *view, const struct walk *w, uint8_t kind,
                         uint64_t address) {
    uint64_t at;
    for (unsigned k = 0; k < w->look.count; k++) {
        if (!walk_entry_physical(view, w, k, &at)) at = w->look.entry[k].at;
        note_table(t, at, kind, 0, address & ~(PAGE_BYTES - 1));
    }
}

struct noting {
    struct translations *t;
    const struct view *view;
};
static void note_merged(void *context, const struct walk *w, uint64_t address) {
    const struct noting *n = context;
    note_entries(n->t, n->view, w, TABLE_OWN, address);
}

static void note_own(struct translations *t, const struct view *view, const struct stale_look *look) {
    struct noting noting = {t, view};
    struct nested_merged wrong;
    for (unsigned i = 0; look->nested && i < look->own.stages; i++) {
        const struct nested_stage *s = &look->own.stage[i];
        if (s->has_ept) note_entries(t, view, &s->walk, s->level > 1 ? TABLE_OWN : TABLE_EPT, s->address);
    }
    if (look->nested) nested_merged(view, &look->own, note_merged, &noting, &wrong);
}

// By an instruction that runs alone its RIP and step are known.
static bool settled(const struct cpu *cpu, bool fetch) { return fetch || (cpu->block && cpu->block->count == 1); }

// As the processor and its level are at this moment.
static bool view_now(struct translations *t, struct translation_cpu *c, const struct cpu *cpu, struct view *view) {
    const struct history *history = vmx_history(cpu);
    const struct history *asked = c->own_known ? NULL : history;
    if (!view_of(machine_of(t), (unsigned)cpu->id, -1, asked, view, NULL, 0)) return false;
    view->history = history;
    if (view->level < 2) return true;
    if (c->own_known) {
        view->has_own_ept = c->has_own_ept;
        memcpy(view->own_ept, c->own_ept, sizeof view->own_ept);
    }
    c->own_known = true;
    c->has_own_ept = view->has_own_ept;
    memcpy(c->own_ept, view->own_ept, sizeof c->own_ept);
    return true;
}

static bool doubts(struct point *point, struct cpu *cpu, uint64_t linear, uint64_t page, unsigned access) {
    struct translations *t = point->context;
    struct translation_cpu *c = &t->of[cpu->id];
    const struct tlb_context *tlb = &cpu->tlb->context[cpu->tlb->current];
    const bool fetch = access == POINT_EXECUTE;
    const uint64_t context = context_of(t, tlb->eptp, tlb->vpid | (uint32_t)tlb->pcid << 16, fetch);
    struct stale_translation s;
    struct stale_look look;
    struct view view;
    if (is_known(t, c, linear, page, context, access, tlb->eptp)) return false;
    if (!view_now(t, c, cpu, &view)) return false;
    struct walk_memo memo = {0};
    view.memo = view.level > 1 ? &memo : NULL;
    bool stale = stale_translation(&view, linear, page, access, &s, &look);
    note_own(t, &view, &look);
    if (stale && !settled(cpu, fetch) && stale_used(t, cpu, &s, &look, &view, false)) return true;
    if (stale && settled(cpu, fetch)) (void)stale_used(t, cpu, &s, &look, &view, true);
    know(t, c, linear, page, context, access);
    return false;
}

// --- beginning and ending ---

static uint64_t ram_pages(struct machine *machine) {
    struct area area;
    uint64_t pages = 0;
    for (unsigned i = 0; machine_area(machine, i, &area); i++)
        if (area.base < PAGES_APART && (area.base + area.bytes) >> PAGE_SHIFT > pages)
            pages = (area.base + area.bytes) >> PAGE_SHIFT;
    return pages;
}

static struct translations *made(struct reports *reports) {
    struct translations *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->reports = reports;
    t->pages = ram_pages(reports->monitor->look.machine);
    t->table = calloc(t->pages + 1, sizeof *t->table);
    t->base = calloc(t->pages + 1, sizeof *t->base);
    t->unread = calloc(t->pages + 1, sizeof *t->unread);
    t->of = calloc(MACHINE_CPUS, sizeof *t->of);
    if (t->table && t->base && t->unread && t->of) return t;
    free(t->table), free(t->base), free(t->unread), free(t->of), free(t);
    return NULL;
}

struct translations *translations_begin(struct reports *reports) {
    if (reports->translations) return reports->translations->users++, reports->translations;
    struct translations *t = reports->translations = made(reports);
    if (!t) return NULL;
    t->users = 1;
    t->observer = (struct observer){.wanted = BIT(OBSERVE_WALK) | BIT(OBSERVE_TLB) | BIT(OBSERVE_VMX_INSTRUCTION) |
                                              BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY),
                                    .follows = true,
                                    .loose = true,
                                    .context = t,
                                    .see = see};
    t->stores = (struct point){.address = PAGE_TABLE,
                               .space = POINT_PAGES,
                               .access = POINT_WRITE,
                               .follows = true,
                               .context = t,
                               .hit = store_hit};
    t->uses = (struct point){.space = POINT_TRANSLATIONS,
                             .access = POINT_READ | POINT_WRITE,
                             .follows = true,
                             .context = t,
                             .doubts = doubts};
    t->follower = (struct follower){.table = &table, .object = t};
    begin_again(t);
    machine_add_follower(machine_of(t), &t->follower);
    machine_add_observer(machine_of(t), &t->observer);
    machine_add_point(machine_of(t), &t->stores);
    machine_add_point(machine_of(t), &t->uses);
    return t;
}

void translations_end(struct translations *t) {
    if (--t->users) return;
    machine_remove_point(machine_of(t), &t->uses);
    machine_remove_point(machine_of(t), &t->stores);
    machine_remove_observer(machine_of(t), &t->observer);
    machine_remove_follower(machine_of(t), &t->follower);
    for (uint64_t i = 0; i < t->pages; i++)
        if (t->table[i]) machine_flag_page(machine_of(t), i << PAGE_SHIFT, PAGE_TABLE, false);
    t->reports->translations = NULL;
    free(t->table), free(t->base), free(t->unread), free(t->of), free(t);
}
