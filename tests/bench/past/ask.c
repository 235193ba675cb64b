// Questions about the past; see ask.h.
#include "tests/bench/past/ask.h"
#include "devices/asking/scan.h"
#include "devices/asking/seek.h"
#include "devices/machine/machine_observe.h"
#include "cpu/processor/observing.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOES = 100, STEPS_BACK = 5, ASKED = 40, WATCHED = 20, FEW_STEPS = 20000000 };

static int by_value(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

void tell_spread(const char *what, double *ms, unsigned count) {
    if (count) qsort(ms, count, sizeof *ms, by_value);
    if (count)
        printf("%-58s %3u times: median %7.1f ms, 95 of 100 within %7.1f ms, most %7.1f ms\n", what, count,
               ms[count / 2], ms[count * 95 / 100], ms[count - 1]);
    else
        printf("%-58s none\n", what);
    (void)fflush(stdout);
}

void go_to_end(const struct course *c) {
    const char *wrong = NULL;
    struct timeline_facts f;
    timeline_facts(c->t, &f);
    if (f.in_past && !timeline_go(c->t, &f.end, &wrong)) die("the end", wrong);
}

void go_about(const struct course *c) {
    double go[GOES], back[GOES * STEPS_BACK];
    const char *wrong = NULL;
    struct timeline_facts f;
    timeline_facts(c->t, &f);
    uint64_t first = f.first.steps + 1000;
    for (unsigned i = 0; i < GOES; i++) {
        double begin = now_ms();
        if (!timeline_go_step(c->t, first + any(c->end - first), &wrong)) die("goto", wrong);
        go[i] = now_ms() - begin;
        for (unsigned j = 0; j < STEPS_BACK; j++) {
            begin = now_ms();
            if (!timeline_go_step(c->t, machine_steps(c->m) - 1, &wrong)) die("a step back", wrong);
            back[i * STEPS_BACK + j] = now_ms() - begin;
        }
    }
    tell_spread("goto a random step", go, GOES);
    tell_spread("a step back", back, GOES * STEPS_BACK);
}

// --- when it was written ---

struct asking {
    double ms[ASKED];
    unsigned asked, never, recent; // recent: it was written later than it seemed
    uint64_t farthest;
};

// Whether it was long ago. What was asked in vain counts as time too.
static void ask(const struct course *c, struct asking *a, const struct place *place, uint64_t long_ago) {
    struct change change;
    const char *wrong = NULL;
    go_to_end(c);
    double begin = now_ms();
    enum search found = timeline_changed(c->t, place, SEARCH_QUICKLY, &change, &wrong);
    double ms = now_ms() - begin;
    if (found == SEARCH_WRONG) die("when-written", wrong);
    uint64_t ago = found == SEARCH_FOUND ? c->end - change.step : ~0ull;
    if (found == SEARCH_NOTHING) a->never++;
    if (ago < long_ago) a->recent++;
    if (ago < long_ago || found == SEARCH_NOTHING) return;
    a->ms[a->asked++] = ms;
    if (ago > a->farthest) a->farthest = ago;
}

static void tell_asked(const char *what, struct asking *a) {
    tell_spread(what, a->ms, a->asked);
    printf("    the farthest %.2f 10^9 steps ago; %u never, %u later than looked for\n", (double)a->farthest / 1e9,
           a->never, a->recent);
}

static bool is_hot(const struct course *c, uint64_t page) {
    enum { SLICES = FAR_STEPS / COURSE_SLICE - 1 };
    return c->slices[page] >= SLICES;
}
static bool is_old(const struct course *c, uint64_t address) {
    uint64_t word = course_word(&c->last, address);
    return word && word == course_word(&c->far, address);
}

static void ask_memory(const struct course *c, const char *what, const struct course_search *search) {
    struct asking a = {.asked = 0};
    uint64_t address;
    for (unsigned i = 0; i < 4 * ASKED && a.asked < ASKED && course_find(c, search, &address); i++) {
        const struct place place = {.space = PLACE_PHYSICAL, .bytes = 1, .address = address};
        ask(c, &a, &place, FAR_STEPS);
    }
    tell_asked(what, &a);
}

bool level_vmcs(const struct course *c, uint64_t *vmcs) {
    *vmcs = vmx_level_vmcs(machine_cpu(c->m, 0), 1);
    return *vmcs != VMX_NO_VMCS;
}

bool ept_entry(const struct course *c, uint64_t vmcs, uint64_t guest_physical, struct place *entry) {
    enum { TOP = 39, PAGE = 12, BITS = 9, LARGE = 0x80 };
    const uint64_t frame = 0xffffffffff000, index = 511;
    uint64_t table;
    if (!vmx_vmcs_read(machine_cpu(c->m, 0), vmcs, FIELD_EPT_POINTER, &table)) return false;
    for (unsigned shift = TOP;; shift -= BITS) {
        uint64_t at = (table & frame) + (guest_physical >> shift & index) * 8, value = course_word(&c->last, at);
        if (at >= c->ram_bytes || !(value & 7)) return false;
        *entry = (struct place){.space = PLACE_PHYSICAL, .bytes = 8, .address = at};
        if (shift == PAGE || value & LARGE) return true;
        table = value;
    }
}

static void ask_entries(const struct course *c, uint64_t vmcs) {
    struct asking a = {.asked = 0};
    for (unsigned i = 0; i < 100000 && a.asked < ASKED && a.recent < 20 * ASKED; i++) {
        struct place entry;
        go_to_end(c);
        if (ept_entry(c, vmcs, any(c->ram_bytes), &entry) && is_old(c, entry.address)) ask(c, &a, &entry, FAR_STEPS);
    }
    tell_asked("when-written of an EPT entry, 10^9 steps ago and more", &a);
}

static void ask_fields(const struct course *c, uint64_t vmcs) {
    struct asking a = {.asked = 0};
    struct vmx_field field;
    for (unsigned i = 0; vmx_field(i, &field) && a.asked < ASKED; i++) {
        const struct place place = {.space = PLACE_FIELD, .bytes = 8, .vmcs = vmcs, .address = field.encoding};
        if (vmx_field_exists(machine_cpu(c->m, 0), i)) ask(c, &a, &place, FAR_STEPS);
    }
    tell_asked("when-written of a VMCS field, 10^9 steps ago and more", &a);
}

void ask_when(const struct course *c) {
    uint64_t vmcs;
    ask_memory(c, "when-written of a byte, 10^9 steps ago and more", &(struct course_search){.word = is_old});
    ask_memory(c, "the same, and its neighbours change all the time", &(struct course_search){is_hot, is_old});
    go_to_end(c);
    if (!level_vmcs(c, &vmcs)) return;
    ask_entries(c, vmcs);
    go_to_end(c);
    ask_fields(c, vmcs);
}

// --- reverse-continue ---

// Stores near the stack pointer, by page: in the last steps.
static struct stacks {
    struct course const *c;
    uint32_t *stores; // of each page
    uint64_t page;    // the busiest
} stacks;

static void see_store(void *context, struct cpu *cpu, const struct sight *sight) {
    struct stacks *s = context;
    if (!sight->write || sight->linear + PAGE_BYTES < cpu->gpr[RSP] || sight->linear > cpu->gpr[RSP] + PAGE_BYTES)
        return;
    if (sight->physical < s->c->ram_bytes) s->stores[sight->physical / PAGE_BYTES]++;
}

static void find_stacks(const struct course *c) {
    struct observer observer = {.wanted = BIT(OBSERVE_MEMORY), .context = &stacks, .see = see_store};
    const char *wrong = NULL;
    stacks = (struct stacks){.c = c, .stores = calloc(c->ram_bytes / PAGE_BYTES, sizeof *stacks.stores)};
    if (!stacks.stores || !timeline_go_step(c->t, c->end - FEW_STEPS, &wrong)) die("stacks", wrong);
    machine_add_observer(c->m, &observer);
    while (machine_steps(c->m) < c->end) (void)timeline_run(c->t, c->end - machine_steps(c->m));
    machine_remove_observer(c->m, &observer);
    go_to_end(c);
}

static bool is_stack(const struct course *c, uint64_t page) {
    enum { BUSY = FEW_STEPS / 2000 };
    (void)c;
    return stacks.stores[page] >= BUSY;
}
static bool is_changed(const struct course *c, uint64_t address) {
    uint64_t word = course_word(&c->last, address);
    return word == course_word(&c->behind, address) && word != course_word(&c->before, address);
}

struct watch {
    const struct course *c;
    struct point point;
    bool hit;
};
static void watch_hit(struct point *point, struct cpu *cpu, const struct sight *sight) {
    struct watch *w = point->context;
    (void)sight;
    w->hit = true;
    cpu_stop(cpu);
}
static void watch_begin(void *context) {
    struct watch *w = context;
    machine_add_point(w->c->m, &w->point);
}
static void watch_end(void *context) {
    struct watch *w = context;
    machine_remove_point(w->c->m, &w->point);
}
static bool watch_counts(void *context) {
    struct watch *w = context;
    bool hit = w->hit;
    w->hit = false;
    return hit;
}

// How far it was; what is nearer than looked for is left out.
static bool back_to(const struct course *c, uint64_t address, double *ms, uint64_t *steps) {
    struct watch w = {.c = c,
                      .point = {.address = address,
                                .bytes = 8,
                                .space = POINT_PHYSICAL,
                                .access = POINT_WRITE,
                                .context = &w,
                                .hit = watch_hit}};
    const struct seek seek = {&w, watch_begin, watch_end, watch_counts};
    struct position at;
    const char *wrong = NULL;
    go_to_end(c);
    double begin = now_ms();
    enum search found = timeline_back_to(c->t, &seek, &at, &wrong);
    *ms = now_ms() - begin;
    if (found == SEARCH_WRONG) die("reverse-continue", wrong);
    *steps = c->end - at.steps;
    return found == SEARCH_FOUND && *steps >= BACK_STEPS - BACK_ROOM;
}

static void go_back_in(const struct course *c, const char *what, const struct course_search *search) {
    double ms[WATCHED];
    unsigned count = 0;
    uint64_t address, steps, farthest = 0;
    for (unsigned i = 0; i < 4 * WATCHED && count < WATCHED && course_find(c, search, &address); i++) {
        if (!back_to(c, address, &ms[count], &steps)) continue;
        count++;
        if (steps > farthest) farthest = steps;
    }
    tell_spread(what, ms, count);
    printf("    up to %.2f 10^8 steps back\n", (double)farthest / 1e8);
}

void go_back_to(const struct course *c) {
    find_stacks(c);
    go_back_in(c, "reverse-continue to a watchpoint 10^8 steps back", &(struct course_search){.word = is_changed});
    go_back_in(c, "the same, of a word on a busy stack page", &(struct course_search){is_stack, is_changed});
    free(stacks.stores);
}

// --- spans ---

static bool count(void *context, const struct change *change) {
    (void)change;
    ++*(unsigned *)context;
    return true;
}

struct sought {
    struct machine *m;
    const struct place *place;
};
static bool holds(void *context) {
    const struct sought *s = context;
    uint64_t value = 0;
    return place_read(s->m, s->place, &value) && value == 0xfeedfacedeadbeefull;
}
static void *copy_sought(void *context, struct machine *m) {
    struct sought *copy = malloc(sizeof *copy);
    if (copy) *copy = (struct sought){m, ((struct sought *)context)->place};
    return copy;
}
static void done_sought(void *context, void *copy) {
    (void)context;
    free(copy);
}

static void tell_span(const char *what, const char *name, struct scan_span span, double ms, double free_ms,
                      const char *more) {
    double steps = (double)(span.to - span.from);
    printf("%-8s %-34s %8.0f ms, %6.1f million steps a second, %6.2f times the run%s\n", what, name, ms,
           steps / 1e3 / ms, ms / free_ms, more);
    (void)fflush(stdout);
}

static void go_through(const struct course *c, const char *name, const struct place *place, struct scan_span span) {
    unsigned changes = 0;
    const char *wrong = NULL;
    char more[40];
    double free_ms = course_free_ms(c, span.from, span.to), begin;
    uint64_t step;
    go_to_end(c);
    begin = now_ms();
    if (timeline_values(c->t, place, span, count, &changes, &wrong) == SEARCH_WRONG) die("values", wrong);
    double ms = now_ms() - begin;
    snprintf(more, sizeof more, ", %u values", changes);
    tell_span("values", name, span, ms, free_ms, more);
    go_to_end(c);
    struct sought s = {c->m, place};
    const struct scan_test test = {.holds = holds,
                                   .context = &s,
                                   .sights = place_sights(c->m, place),
                                   .memory = place,
                                   .memories = place->space == PLACE_PHYSICAL,
                                   .copy = copy_sought,
                                   .done = done_sought};
    begin = now_ms();
    if (timeline_first(c->t, &test, span, &step, &wrong) == SEARCH_WRONG) die("first", wrong);
    tell_span("first", name, span, now_ms() - begin, free_ms, "");
}

static bool is_live(const struct course *c, uint64_t address) {
    return is_hot(c, address / PAGE_BYTES) && course_word(&c->last, address) != course_word(&c->behind, address);
}

void list_values(const struct course *c) {
    const struct scan_span far = {c->end - BACK_STEPS, c->end}, near = {c->end - FEW_STEPS, c->end};
    struct place memory = {.space = PLACE_PHYSICAL, .bytes = 8};
    const struct place cr3 = {.space = PLACE_REGISTER, .bytes = 8, .address = offsetof(struct cpu, control.cr3)};
    const struct place lstar = {.space = PLACE_MSR, .bytes = 8, .address = 0xc0000082};
    const struct place rax = {.space = PLACE_REGISTER, .bytes = 8, .address = offsetof(struct cpu, gpr)};
    const struct place fs = {.space = PLACE_MSR, .bytes = 8, .address = 0xc0000100};
    struct place field = {.space = PLACE_FIELD, .bytes = 8};
    if (course_find(c, &(struct course_search){.word = is_old}, &memory.address))
        go_through(c, "memory that stays", &memory, far);
    if (course_find(c, &(struct course_search){is_hot, is_live}, &memory.address))
        go_through(c, "memory that changes", &memory, far);
    go_through(c, "CR3", &cr3, far);
    go_through(c, "an MSR", &lstar, far);
    go_to_end(c);
    struct vmx_field row;
    for (unsigned i = 0; level_vmcs(c, &field.vmcs) && vmx_field(i, &row); i++) {
        if (strcmp(row.name, "GUEST_RIP") != 0 && strcmp(row.name, "EPT_POINTER") != 0) continue;
        field.address = row.encoding;
        go_through(c, row.name, &field, far);
        go_to_end(c);
    }
    go_through(c, "RAX", &rax, near);
    go_through(c, "FS.base", &fs, near);
}
