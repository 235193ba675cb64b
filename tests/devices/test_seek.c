// Back to the last stop over a long past: every stretch of it is looked through, however many checkpoints lie between.
#include "cpu/processor/observing.h"
#include "devices/asking/seek.h"
#include "devices/history/timeline.h"
#include "tests/devices/busy.h"
#include "tests/tap.h"

enum {
    LEAST_STEPS = 1050000, // from one checkpoint to the next: farther than the shortest stretch
    CHECKPOINTS = 66,      // more than a number of 64 bits can be multiplied by ten
    ONCE = 0x8003,         // an instruction that runs once, two steps from the beginning
    MEMORY = 64 << 20
};

struct watch {
    struct machine *m;
    struct point point;
    unsigned begun;
    bool hit;
};
static void hit(struct point *point, struct cpu *cpu, const struct sight *sight) {
    struct watch *w = point->context;
    (void)sight;
    w->hit = true;
    cpu_stop(cpu);
}
static void begin(void *context) {
    struct watch *w = context;
    w->begun++;
    machine_add_point(w->m, &w->point);
}
static void end(void *context) {
    struct watch *w = context;
    machine_remove_point(w->m, &w->point);
}
static bool counts(void *context) {
    struct watch *w = context;
    bool was = w->hit;
    w->hit = false;
    return was;
}

static struct timeline *ran(struct machine *m) {
    struct timeline *t = timeline_new(m, MEMORY);
    if (!t) bail("no timeline");
    for (uint64_t i = 1; i <= CHECKPOINTS; i++) {
        while (machine_steps(m) < i * LEAST_STEPS) (void)timeline_run(t, i * LEAST_STEPS - machine_steps(m));
        if (!timeline_keep(t)) bail("no memory");
    }
    return t;
}

static enum search back_to(struct timeline *t, struct machine *m, uint64_t address, struct position *at,
                           unsigned *stretches) {
    struct watch w = {.m = m};
    w.point = (struct point){.address = address, .access = POINT_EXECUTE, .context = &w, .hit = hit};
    const struct seek seek = {&w, begin, end, counts};
    const char *wrong = NULL;
    struct timeline_facts f;
    timeline_facts(t, &f);
    if (f.in_past && !timeline_go(t, &f.end, &wrong)) bail("the end: %s", wrong);
    enum search found = timeline_back_to(t, &seek, at, &wrong);
    *stretches = w.begun;
    return found;
}

int main(void) {
    struct machine *m = busy_machine(1);
    struct timeline *t = ran(m);
    struct timeline_facts f;
    struct position at;
    unsigned stretches;
    timeline_facts(t, &f);
    ok(f.checkpoints > CHECKPOINTS && !f.in_past, "%u checkpoints", f.checkpoints);
    enum search found = back_to(t, m, ONCE, &at, &stretches);
    ok(found == SEARCH_FOUND && at.steps == 2 && machine_steps(m) == 2, "the only stop is at the beginning of it all");
    ok(stretches > CHECKPOINTS, "what lies behind each checkpoint is looked through: %u stretches", stretches);
    found = back_to(t, m, ONCE + 0x500, &at, &stretches);
    ok(found == SEARCH_NOTHING && machine_steps(m) == 0, "where there is none, the machine is at its beginning");
    timeline_free(t);
    machine_free(m);
    return done_testing();
}
