// Memory: types, and what is used before anyone wrote it.
//
// What EPT gives a page against what the MTRRs do, SDM Vol. 3C, 28.3.7.2: looked at when a hypervisor has answered an
// EPT violation, at the VM entry after it, for the page that was missing. For guests of guests, the EPT that the
// guest's own hypervisor wrote.
//
// What memory has after power-on is not defined. By pages: the first store to one, whoever does it, makes all of it
// count as written. When that was is remembered by its step, so that going back in time makes the page fresh again.
// NOT IMPLEMENTED: what walks, VT-x and devices read; what was written before reports began, which are all pages when
// the guest has run already.
#include "cpu/memory/tlb.h"
#include "cpu/pages/pages.h"
#include "monitor/explain/memory_type.h"
#include "monitor/report/guests.h"
#include "vmx/vmcs/vmcs.h"
#include <stdlib.h>

// --- types ---

enum { EPT_TYPE_SHIFT = 3, EPT_TYPE_MASK = 7 };

static struct place entry_place(const struct view *view, const struct walk *walk, unsigned level) {
    struct place place = {.space = PLACE_PHYSICAL, .level = (uint8_t)level, .bytes = 8};
    if (!walk_entry_physical(view, walk, walk->look.count - 1, &place.address)) place.address = walk_last(walk)->at;
    return place;
}

// RAM that is not write-back, or a device that is: the other types are somebody's decision.
static bool is_odd(unsigned ept, unsigned mtrr) {
    return (mtrr == TYPE_WB && ept == TYPE_UC) || (mtrr == TYPE_UC && ept == TYPE_WB);
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    const struct history_exit *e = guest_exit(cpu, level);
    struct view view;
    struct walk walk;
    uint64_t physical;
    struct look look = reports->monitor->look;
    look.processor = (unsigned)cpu->id;
    if (e->reason != EXIT_EPT_VIOLATION || !view_make(&look, (int)level, &view) ||
        !walk_guest_physical(&view, e->physical, &physical))
        return;
    if (level < 2 ? !walk_second_stage(&view, e->physical, &walk) : !walk_own_stage(&view, level, e->physical, &walk))
        return;
    const uint64_t entry = walk_last(&walk)->value;
    const unsigned type = (unsigned)(entry >> EPT_TYPE_SHIFT & EPT_TYPE_MASK), mtrr = memory_type_mtrr(cpu, physical);
    if (!is_odd(type, mtrr)) return;
    struct report r = guest_report(cpu, RULE_memory_type, s, level);
    if (r.at.level != level - 1) return; // told when its own hypervisor answered
    report_value(&r, "EPT entry", entry_place(&view, &walk, level), entry);
    report_value(&r, "its memory type", (struct place){0}, type);
    report_value(&r, "memory type by the MTRRs", (struct place){0}, mtrr);
    report_value(&r, "guest-physical address",
                 (struct place){.space = PLACE_GUEST, .level = (uint8_t)level, .address = e->physical, .bytes = 8},
                 e->physical);
    guest_beginning(&r, cpu, level, "the EPT violation that it answers");
    report_file(reports, cpu, &r);
}

// --- what nobody has written ---

#define NEVER (~0ull)

struct fresh {
    uint64_t none; // the state table wants one
    // no state
    struct reports *reports;
    uint64_t *since; // of each page of RAM: the step before which nobody had stored to it; NEVER
    uint64_t pages;
    struct page_watcher watcher;
    struct point reads, fetches;
};

static struct machine *machine_of(const struct fresh *f) { return f->reports->monitor->look.machine; }

static bool is_ram(const struct area *a) { return a->base < PAGES_APART && !a->read_only; }

// Of many pages at once: what processors keep of all is dropped.
static void flag_all(struct fresh *f, uint64_t step) {
    struct pages *pages = machine_pages(machine_of(f));
    for (struct area *a = pages->area; a < pages->area + pages->areas; a++)
        for (uint64_t page = 0; is_ram(a) && page < a->bytes / PAGE_BYTES; page++)
            if (f->since[(a->base >> PAGE_SHIFT) + page] >= step) a->flags[page] |= PAGE_FRESH;
    pages->points = true;
    for (unsigned i = 0; machine_cpu(machine_of(f), i); i++) machine_drop_quick(machine_of(f), i);
}

// The machine stands at another moment now.
static bool loaded(const void *object) {
    struct fresh *f = (struct fresh *)(uintptr_t)object;
    if (!f->since) return true;
    pages_mark(machine_pages(machine_of(f)), &f->watcher);
    flag_all(f, machine_steps(machine_of(f)));
    return true;
}
static const struct state_field state_fields[] = {STATE_ONE(struct fresh, none)};
static const struct state_table table = STATE_TABLE("report fresh", state_fields, loaded);

static void stored(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    struct fresh *f = context;
    const uint64_t number = (area->base >> PAGE_SHIFT) + page;
    (void)old;
    if (number >= f->pages || !(area->flags[page] & PAGE_FRESH)) return;
    area->flags[page] &= (uint8_t)~PAGE_FRESH;
    f->since[number] = machine_steps(machine_of(f));
}

static void file(struct fresh *f, struct cpu *cpu, const struct sight *s, enum report_rule rule) {
    const uint64_t page = s->physical & ~(PAGE_BYTES - 1);
    struct report r = report_at(cpu, rule, s);
    report_value(&r, "address",
                 (struct place){.space = PLACE_LINEAR, .level = (uint8_t)r.at.level, .bytes = 8, .address = s->linear},
                 s->linear);
    report_value(&r, "page", (struct place){.space = PLACE_PHYSICAL, .bytes = 8, .address = page}, page);
    machine_flag_page(machine_of(f), page, PAGE_FRESH, false); // told once
    f->since[page >> PAGE_SHIFT] = machine_steps(machine_of(f));
    report_file(f->reports, cpu, &r);
}

static void hit(struct point *point, struct cpu *cpu, const struct sight *s) {
    if (!s->write && s->physical >> PAGE_SHIFT < ((struct fresh *)point->context)->pages)
        file(point->context, cpu, s, RULE_memory_read);
}

static bool doubts(struct point *point, struct cpu *cpu, uint64_t linear, uint64_t page, unsigned access) {
    struct fresh *f = point->context;
    const uint64_t physical = page & TLB_PAGE_MASK;
    if (access != POINT_EXECUTE || physical >> PAGE_SHIFT >= f->pages) return false;
    const struct page_frame frame = pages_frame(machine_pages(machine_of(f)), physical);
    if (!frame_exists(frame) || !(*frame_flags(frame) & PAGE_FRESH)) return false;
    const struct sight s = {.step = cpu_steps(cpu, NULL) + 1, .rip = cpu->rip, .linear = linear, .physical = physical};
    file(f, cpu, &s, RULE_memory_executed);
    return false;
}

// --- beginning and ending ---

// Pages that nobody has stored to since the machine was made: the flag says it as long as there was no mark.
static bool find(struct fresh *f) {
    const struct pages *pages = machine_pages(machine_of(f));
    for (unsigned i = 0; i < pages->areas; i++) {
        const struct area *a = &pages->area[i];
        const uint64_t end = (a->base + a->bytes) >> PAGE_SHIFT;
        if (is_ram(a) && end > f->pages) f->pages = end;
    }
    f->since = calloc(f->pages + 1, sizeof *f->since);
    for (unsigned i = 0; f->since && !machine_steps(machine_of(f)) && i < pages->areas; i++) {
        const struct area *a = &pages->area[i];
        for (uint64_t page = 0; is_ram(a) && page < a->bytes / PAGE_BYTES; page++)
            if (!(a->flags[page] & PAGE_WRITTEN) && !a->told[page]) f->since[(a->base >> PAGE_SHIFT) + page] = NEVER;
    }
    return f->since;
}

static bool begin(struct reports *reports) {
    struct fresh *f = reports->data[REPORT_MEMORY];
    f->reports = reports;
    f->watcher = (struct page_watcher){.context = f, .before_first_store = stored};
    if (!find(f) || !pages_watch(machine_pages(machine_of(f)), &f->watcher)) {
        free(f->since);
        f->since = NULL;
        return false;
    }
    f->reads = (struct point){
        .address = PAGE_FRESH, .space = POINT_PAGES, .access = POINT_READ, .follows = true, .context = f, .hit = hit};
    f->fetches = (struct point){.space = POINT_TRANSLATIONS, .follows = true, .context = f, .doubts = doubts};
    flag_all(f, NEVER);
    machine_add_point(machine_of(f), &f->reads);
    machine_add_point(machine_of(f), &f->fetches);
    return true;
}

static void end(struct reports *reports) {
    struct fresh *f = reports->data[REPORT_MEMORY];
    if (!f->since) return;
    machine_remove_point(machine_of(f), &f->fetches);
    machine_remove_point(machine_of(f), &f->reads);
    pages_unwatch(machine_pages(machine_of(f)), &f->watcher);
    pages_clear_flag(machine_pages(machine_of(f)), PAGE_FRESH);
    free(f->since);
}

const struct detector detector_MEMORY = {.wanted = BIT(OBSERVE_ENTRY),
                                         .bytes = sizeof(struct fresh),
                                         .memory = &table,
                                         .begin = begin,
                                         .see = see,
                                         .end = end};
