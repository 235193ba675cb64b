// Asking when something changed, against the same run single-stepped with a comparison at each step. The guest is the
// teaching hypervisor, which runs itself, which runs itself, which runs a guest.
#include "cpu/processor/register.h"
#include "devices/asking/scan.h"
#include "devices/machine/machine_observe.h"
#include "monitor/load/load.h"
#include "tests/decode/random.h"
#include "tests/door.h"
#include "tests/monitor/turtles.h"
#include "tests/side.h"
#include "tests/tap.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PLACES_ASKED // long_asking.c asks about more
#define PLACES_ASKED 300
#endif
enum { MEMORY = 256 << 20, PLACES = PLACES_ASKED, CHANGES = 4096, SPANS_ASKED = PLACES / 3 };
enum { BEGIN = 12000000, WINDOW = 150000, SPANS = 9 }; // steps: where all levels run, and a while after it
enum { SPACES = 5 };

// --- what a single-stepped run knows ---

struct known {
    struct place place;
    uint64_t first, value; // at the window's beginning; up to where it was stepped through
    unsigned count;        // of changes, the last CHANGES of which are kept
    struct known_change {
        uint64_t step, old, now;
    } change[CHANGES];
};
static struct known known[PLACES];

// Read by other ways than those that are tested.
static uint64_t read_known(struct machine *m, const struct place *p) {
    uint64_t value = 0;
    int field;
    switch (p->space) {
    case PLACE_REGISTER:
        memcpy(&value, (const char *)machine_cpu(m, 0) + p->address, p->bytes);
        if (p->address == offsetof(struct cpu, rflags)) value = cpu_rflags(machine_cpu(m, 0));
        break;
    case PLACE_MSR: (void)machine_msr(m, 0, (uint32_t)p->address, &value); break;
    case PLACE_PHYSICAL: (void)machine_read(m, p->address, &value, p->bytes); break;
    default:
        field = vmx_field_encoded(machine_cpu(m, 0), p->address);
        (void)vmx_vmcs_read(machine_cpu(m, 0), p->vmcs, (unsigned)field, &value);
    }
    return value;
}

static void note(struct known *k, uint64_t step, uint64_t now) {
    if (now == k->value) return;
    k->change[k->count++ % CHANGES] = (struct known_change){step, k->value, now};
    k->value = now;
}

// The last change of a place that was made by steps before `step`. NULL: there was none, or it is too old.
static const struct known_change *known_before(const struct known *k, uint64_t step) {
    for (unsigned i = k->count; i && i + CHANGES > k->count; i--) {
        const struct known_change *c = &k->change[(i - 1) % CHANGES];
        if (c->step < step) return c;
    }
    return NULL;
}

// --- places worth asking about ---

enum { SEEN = 4096 };
static struct {
    uint64_t stored[SEEN], vmcs[16];
    unsigned stores, vmcss;
    uint64_t random;
} seen;

static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    (void)context, (void)cpu;
    if (sight->kind == OBSERVE_MEMORY && !sight->write) return;
    if (sight->kind == OBSERVE_MEMORY) {
        unsigned at = seen.stores < SEEN ? seen.stores : random_below(&seen.random, seen.stores);
        seen.stores++;
        if (at < SEEN) seen.stored[at] = sight->physical;
        return;
    }
    for (unsigned i = 0; i < seen.vmcss; i++)
        if (seen.vmcs[i] == sight->physical) return;
    if (seen.vmcss < 16) seen.vmcs[seen.vmcss++] = sight->physical;
}

static struct place random_place(void) {
    static const uint32_t msrs[] = {0xc0000080, 0xc0000082, 0xc0000101, 0xc0000102, 0x174, 0x277, 0x10, 0x3a};
    struct place p = {.bytes = 8};
    struct vmx_field field;
    struct register_row row;
    uint64_t *r = &seen.random;
    switch (random_below(r, SPACES)) {
    case 0:
        p.space = PLACE_REGISTER;
        (void)register_row(random_below(r, REGISTER_EFER + 1), &row);
        p.address = row.offset;
        p.bytes = row.bytes < 8 ? (uint8_t)row.bytes : 8;
        return p;
    case 1:
        p.space = PLACE_MSR;
        p.address = msrs[random_below(r, sizeof msrs / sizeof *msrs)];
        return p;
    case 2:
        p.space = PLACE_FIELD;
        (void)vmx_field(random_below(r, FIELD_COUNT), &field);
        p.address = field.encoding;
        p.vmcs = seen.vmcs[random_below(r, seen.vmcss)];
        return p;
    default:
        p.space = PLACE_PHYSICAL;
        p.bytes = (uint8_t)(1 + random_below(r, 8));
        p.address = (seen.stored[random_below(r, seen.stores < SEEN ? seen.stores : SEEN)]) - random_below(r, 4);
        if ((p.address & 0xfff) > 0x1000 - 8) p.address &= ~7ull;
        return p;
    }
}

static void run_to(struct machine *m, uint64_t step) {
    while (machine_steps(m) < step) (void)machine_run(m, step - machine_steps(m));
}

// Where the window stores, and to which VMCSs.
static void survey(void) {
    struct machine *m = turtles(1, "depth=3");
    struct observer observer = {.wanted = BIT(OBSERVE_MEMORY) | BIT(OBSERVE_VMWRITE), .see = see};
    seen.random = 20;
    run_to(m, BEGIN);
    machine_add_observer(m, &observer);
    run_to(m, BEGIN + WINDOW);
    machine_free(m);
    if (!seen.vmcss || !seen.stores) bail("nothing is stored");
    for (unsigned i = 0; i < PLACES; i++) known[i].place = random_place();
}

static void step_through(void) {
    struct machine *m = turtles(1, "depth=3");
    run_to(m, BEGIN);
    for (unsigned i = 0; i < PLACES; i++) known[i].first = known[i].value = read_known(m, &known[i].place);
    for (uint64_t step = BEGIN; step < BEGIN + WINDOW; step++) {
        run_to(m, step + 1);
        for (unsigned i = 0; i < PLACES; i++) note(&known[i], step, read_known(m, &known[i].place));
    }
    machine_free(m);
}

// --- asking ---

static struct timeline *recorded(struct machine *m) {
    run_to(m, BEGIN);
    struct timeline *t = timeline_new(m, MEMORY);
    if (!t) bail("no timeline");
    for (unsigned i = 0; i < SPANS; i++) {
        while (machine_steps(m) < BEGIN + (i + 1) * (WINDOW / SPANS))
            (void)timeline_run(t, BEGIN + (i + 1) * (WINDOW / SPANS) - machine_steps(m));
        (void)timeline_keep(t);
    }
    return t;
}

static const char *const spaces[] = {"none", "register", "MSR", "field", "linear", "guest", "physical", "device"};

static void ask(struct timeline *t, const struct known *k, uint64_t step) {
    const char *wrong = NULL;
    struct change c;
    const struct known_change *last = known_before(k, step);
    if (!last && k->count > CHANGES) return;
    bool gone = timeline_go_step(t, step, &wrong);
    enum search found = gone ? timeline_changed(t, &k->place, SEARCH_ALL, &c, &wrong) : SEARCH_WRONG;
    bool same = last ? found == SEARCH_FOUND && c.step == last->step && c.old == last->old && c.now == last->now
                     : found == SEARCH_NOTHING;
    loop_check(same, "%s %llx of %u before %llu: %d (%s) step %llu %llx -> %llx, known %llu %llx -> %llx",
               spaces[k->place.space], (unsigned long long)k->place.address, k->place.bytes, (unsigned long long)step,
               found, wrong ? wrong : "", (unsigned long long)c.step, (unsigned long long)c.old,
               (unsigned long long)c.now, last ? (unsigned long long)last->step : 0,
               last ? (unsigned long long)last->old : 0, last ? (unsigned long long)last->now : 0);
}

// --- spans ---

static struct scan_span random_span(uint64_t longest) {
    uint64_t from = BEGIN + 1 + random64(&seen.random) % (WINDOW - longest - 1);
    return (struct scan_span){from, from + 1 + random64(&seen.random) % (longest - 1)};
}

struct comparing {
    const struct known *k;
    unsigned next; // of the known changes
    bool same;
};

static bool compare(void *context, const struct change *c) {
    struct comparing *l = context;
    const struct known_change *known_one = &l->k->change[l->next % CHANGES];
    l->same &=
        l->next < l->k->count && known_one->step == c->step && known_one->old == c->old && known_one->now == c->now;
    l->next++;
    return l->same;
}

static unsigned first_change_from(const struct known *k, uint64_t step) {
    unsigned i = k->count > CHANGES ? k->count - CHANGES : 0;
    while (i < k->count && k->change[i % CHANGES].step < step) i++;
    return i;
}

static void list_values(struct timeline *t, const struct known *k) {
    const char *wrong = NULL;
    struct scan_span span = random_span(20000);
    struct comparing l = {k, first_change_from(k, span.from), true};
    if (k->count > CHANGES && k->change[k->count % CHANGES].step >= span.from) return;
    enum search found = timeline_values(t, &k->place, span, compare, &l, &wrong);
    loop_check(found != SEARCH_WRONG && l.same && l.next == first_change_from(k, span.to),
               "%s %llx from %llu to %llu: %d (%s), change %u of step %llu", spaces[k->place.space],
               (unsigned long long)k->place.address, (unsigned long long)span.from, (unsigned long long)span.to, found,
               wrong ? wrong : "", l.next, (unsigned long long)k->change[(l.next - 1) % CHANGES].step);
}

// A moment at which a place has a value.
struct wanted_value {
    struct machine *m;
    const struct place *place;
    uint64_t value;
};

static bool has_value(void *context) {
    const struct wanted_value *w = context;
    return read_known(w->m, w->place) == w->value;
}

static void *copy_wanted(void *context, struct machine *m) {
    struct wanted_value *copy = malloc(sizeof *copy);
    if (!copy) bail("no memory");
    *copy = *(struct wanted_value *)context;
    copy->m = m;
    return copy;
}
static void done_wanted(void *context, void *copy) {
    (void)context;
    free(copy);
}

static uint64_t value_at(const struct known *k, uint64_t step) {
    const struct known_change *c = known_before(k, step);
    return c ? c->now : k->first;
}

static void find_moments(struct timeline *t, struct machine *m, const struct known *k) {
    const char *wrong = NULL;
    struct scan_span span = random_span(20000);
    struct wanted_value w = {m, &k->place, value_at(k, BEGIN + random64(&seen.random) % WINDOW)};
    struct scan_test test = {.holds = has_value,
                             .context = &w,
                             .sights = place_sights(m, &k->place),
                             .memory = &k->place,
                             .memories = k->place.space == PLACE_PHYSICAL,
                             .copy = copy_wanted,
                             .done = done_wanted};
    uint64_t first = ~0ull, last = ~0ull, step = 0;
    if (k->count >= CHANGES) return;
    for (uint64_t s = span.from; s <= span.to; s++) {
        if (value_at(k, s) != w.value) continue;
        if (first == ~0ull) first = s;
        last = s;
    }
    enum search expected = first == ~0ull ? SEARCH_NOTHING : SEARCH_FOUND;
    enum search found = timeline_first(t, &test, span, &step, &wrong);
    loop_check(found == expected && (found != SEARCH_FOUND || step == first), "first of %s %llx: %d %llu, known %llu",
               spaces[k->place.space], (unsigned long long)k->place.address, found, (unsigned long long)step,
               (unsigned long long)first);
    found = timeline_last(t, &test, span, &step, &wrong);
    loop_check(found == expected && (found != SEARCH_FOUND || step == last), "last of %s %llx: %d %llu, known %llu",
               spaces[k->place.space], (unsigned long long)k->place.address, found, (unsigned long long)step,
               (unsigned long long)last);
}

// One of so many questions, by so many machines side by side.
static void ask_all(struct timeline *t, struct machine *m, unsigned workers, unsigned part) {
    loop_begin("%u workers: when %d values changed last before some moment of %d steps", workers, PLACES / part,
               WINDOW);
    for (unsigned i = 0; i < PLACES; i += part) ask(t, &known[i], BEGIN + 1 + random64(&seen.random) % (WINDOW - 10));
    loop_end();
    loop_begin("%u workers: all changes in a span", workers);
    for (unsigned i = 0; i < SPANS_ASKED; i += part) list_values(t, &known[i]);
    loop_end();
    loop_begin("%u workers: the first and the last moment of a span at which a place has a value", workers);
    for (unsigned i = 0; i < SPANS_ASKED; i += part) find_moments(t, m, &known[PLACES - 1 - i]);
    loop_end();
}

int main(void) {
    survey();
    step_through();
    struct machine *m = turtles(1, "depth=3");
    struct timeline *t = recorded(m);
    ask_all(t, m, 1, 1);
    const struct side_by_side side = side_by_side(3, 4000);
    timeline_set_side_by_side(t, &side);
    ask_all(t, m, side.workers, 6);
    timeline_free(t);
    machine_free(m);
    return done_testing();
}
