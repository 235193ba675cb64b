// Registers of levels over time, as @2:rip means them at each moment: on the processor while the level runs, in a VMCS
// while it waits. Against the same run single-stepped, with a look at each step.
#include "devices/machine/machine_observe.h"
#include "monitor/drive/asking.h"
#include "tests/decode/random.h"
#include "tests/monitor/turtles.h"
#include "tests/side.h"
#include "tests/tap.h"
#include <stdlib.h>

enum { MEMORY = 256 << 20, BEGIN = 12000000, WINDOW = 40000, ASKED = 12, SPANS = 6, LONGEST = 8000 };

static struct value {
    unsigned level;
    const char *name;
    bool known;
    uint64_t now;
    unsigned count;
    struct change *change;
} value[] = {
    {.level = 0, .name = "rip"}, {.level = 0, .name = "rbx"}, {.level = 0, .name = "cr3"},
    {.level = 1, .name = "rip"}, {.level = 1, .name = "rsp"}, {.level = 1, .name = "cr0"},
    {.level = 2, .name = "rip"}, {.level = 2, .name = "rax"}, {.level = 2, .name = "rflags"},
    {.level = 3, .name = "rip"}, {.level = 3, .name = "cr3"}, {.level = 3, .name = "rdx"},
};
enum { VALUES = sizeof value / sizeof *value };

static void run_to(struct machine *m, uint64_t step) {
    while (machine_steps(m) < step) (void)machine_run(m, step - machine_steps(m));
}

static bool read_value(struct machine *m, const struct value *v, uint64_t *now) {
    struct view view;
    char error[200];
    struct name name = name_find(NULL, v->name, false);
    return view_of(m, 0, (int)v->level, NULL, &view, error, sizeof error) &&
           name_value(&view, name.kind, name.value, now, error, sizeof error);
}

static void note(struct machine *m, struct value *v, uint64_t step) {
    uint64_t now;
    if (!read_value(m, v, &now) || (v->known && now == v->now)) return;
    if (step != ~0ull)
        v->change[v->count++] =
            (struct change){.step = step, .appears = !v->known, .old = v->known ? v->now : 0, .now = now};
    v->known = true;
    v->now = now;
}

static void step_through(void) {
    struct machine *m = turtles(1, "depth=3");
    run_to(m, BEGIN);
    for (unsigned i = 0; i < VALUES; i++) {
        if (!(value[i].change = calloc(WINDOW + 1, sizeof *value[i].change))) bail("memory");
        note(m, &value[i], ~0ull);
    }
    for (uint64_t step = BEGIN; step < BEGIN + WINDOW; step++) {
        run_to(m, step + 1);
        for (unsigned i = 0; i < VALUES; i++) note(m, &value[i], step);
    }
    machine_free(m);
}

static struct timeline *recorded(struct machine *m) {
    run_to(m, BEGIN);
    struct timeline *t = timeline_new(m, MEMORY);
    if (!t) bail("no timeline");
    for (unsigned i = 1; i <= SPANS; i++) {
        while (machine_steps(m) < BEGIN + i * (WINDOW / SPANS))
            (void)timeline_run(t, BEGIN + i * (WINDOW / SPANS) - machine_steps(m));
        (void)timeline_keep(t);
    }
    return t;
}

static unsigned changes_before(const struct value *v, uint64_t step) {
    unsigned i = 0;
    while (i < v->count && v->change[i].step < step) i++;
    return i;
}

static struct asked asked_of(const struct value *v) {
    return (struct asked){.of_level = true, .level = (int)v->level, .register_name = name_find(NULL, v->name, false)};
}

static bool same(const struct change *a, const struct change *b) {
    return a->step == b->step && a->old == b->old && a->now == b->now && a->appears == b->appears;
}

static void ask_last(struct asking *a, const struct value *v, uint64_t step) {
    const char *wrong = NULL;
    struct change c;
    struct asked asked = asked_of(v);
    unsigned known = changes_before(v, step);
    bool gone = timeline_go_step(a->timeline, step, &wrong);
    enum search found = gone ? asked_changed(a, &asked, SEARCH_ALL, &c, &wrong) : SEARCH_WRONG;
    bool right = known ? found == SEARCH_FOUND && same(&c, &v->change[known - 1]) : found == SEARCH_NOTHING;
    const struct change none = {.step = 0}, *last = known ? &v->change[known - 1] : &none;
    loop_check(right, "@%u:%s before %llu: %d (%s) step %llu %llx -> %llx, known %llu %llx -> %llx", v->level, v->name,
               (unsigned long long)step, found, wrong ? wrong : "", (unsigned long long)c.step,
               (unsigned long long)c.old, (unsigned long long)c.now, (unsigned long long)last->step,
               (unsigned long long)last->old, (unsigned long long)last->now);
}

struct comparing {
    const struct value *v;
    unsigned next, wrong;
};

// The first one of a span may be known to the single-stepped run from before it.
static bool compare(void *context, const struct change *c) {
    struct comparing *l = context;
    const struct change *known = &l->v->change[l->next];
    bool from_before = c->appears && (l->next >= l->v->count || known->step != c->step || known->now != c->now);
    if (from_before) return true;
    l->wrong += l->next >= l->v->count || known->step != c->step || known->now != c->now;
    l->next++;
    return true;
}

static void ask_span(struct asking *a, const struct value *v, uint64_t random) {
    const char *wrong = NULL;
    struct asked asked = asked_of(v);
    uint64_t from = BEGIN + 1 + random % (WINDOW - LONGEST - 1), to = from + LONGEST;
    struct comparing l = {v, changes_before(v, from), 0};
    enum search found = asked_values(a, &asked, (struct scan_span){from, to}, compare, &l, &wrong);
    loop_check(found != SEARCH_WRONG && !l.wrong && l.next == changes_before(v, to),
               "@%u:%s from %llu: %d (%s), %u are wrong, change %u of %u", v->level, v->name, (unsigned long long)from,
               found, wrong ? wrong : "", l.wrong, l.next, changes_before(v, to));
}

int main(void) {
    uint64_t random = 5;
    step_through();
    struct machine *m = turtles(1, "depth=3");
    struct timeline *t = recorded(m);
    struct asking a = {.timeline = t, .look = {.machine = m}};
    unsigned changes = 0;
    for (unsigned i = 0; i < VALUES; i++) changes += value[i].count;
    ok(changes > 1000, "the levels do something: %u changes", changes);
    loop_begin("when registers of levels changed last");
    for (unsigned i = 0; i < VALUES * ASKED; i++)
        ask_last(&a, &value[i % VALUES], BEGIN + 1 + random64(&random) % (WINDOW - 10));
    loop_end();
    loop_begin("all their changes in a span");
    for (unsigned i = 0; i < 2 * VALUES; i++) ask_span(&a, &value[i % VALUES], random64(&random));
    loop_end();
    const struct side_by_side side = side_by_side(3, 8000);
    timeline_set_side_by_side(t, &side);
    loop_begin("the same by three machines side by side");
    for (unsigned i = 0; i < VALUES; i++) ask_span(&a, &value[i], random64(&random));
    loop_end();
    for (unsigned i = 0; i < VALUES; i++) free(value[i].change);
    timeline_free(t);
    machine_free(m);
    return done_testing();
}
