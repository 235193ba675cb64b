// Running through the past, up to its end, and beyond; see timeline.h.
#include "devices/history/timeline_private.h"

enum { CHUNK_STEPS = 1 << 20 }; // between looks whether a checkpoint is due

// The next checkpoint is reached: what changed since `base` is its interval's list.
static void cross(struct timeline *t) {
    struct checkpoint *c = &t->checkpoint[t->base];
    page_list_free(&c->pages);
    c->pages = t->present;
    t->present = (struct page_list){0};
    t->base++;
    pages_mark(t->pages, &t->watcher);
    if (t->base + 1 == t->count) timeline_go_live(t, timeline_inputs_taken(t));
}

static bool is_before(const struct position *a, const struct position *b) {
    return !b || position_compare(a, b) == POSITION_BEHIND;
}

// In the past: up to the next checkpoint at most. With no more to replay, the present is the end. What was expected:
// up to the last position. Inputs are gone to one by one: taking one may change which position of its boundary it is.
static enum machine_stop replay(struct timeline *t, uint64_t steps, const struct position *goal) {
    const struct checkpoint *c = t->in_past ? &t->checkpoint[t->base + 1] : NULL;
    bool input = t->m->replay && (!c || timeline_inputs_taken(t) < c->inputs), last = c && t->base + 2 == t->count;
    struct position mark = input ? t->m->replay->at : c ? c->at : t->last;
    bool to_mark = is_before(&mark, goal);
    uint64_t idle_limit = t->m->idle_limit, begin = machine_steps(t->m);
    t->m->idle_limit = ~0ull;
    bool near =
        mark.steps <= begin || mark.steps - begin <= steps; // else the run ends before it, and need not look for it
    t->m->goal = !to_mark ? goal : near ? &mark : NULL;
    enum machine_stop why = machine_run(t->m, steps);
    t->m->goal = NULL;
    t->m->idle_limit = idle_limit;
    enum position_order order = position_order(t->m, &mark);
    if (input && to_mark && order != POSITION_AHEAD && why == MACHINE_STEPS && machine_steps(t->m) - begin < steps) {
        int came = machine_come_in(t->m);
        return came >= 0 ? (enum machine_stop)came : why;
    }
    if (!input && c && order == POSITION_HERE && (to_mark || last)) cross(t);
    return why;
}

static enum machine_stop live(struct timeline *t, uint64_t steps, const struct position *goal) {
    t->m->goal = goal;
    enum machine_stop why = machine_run(t->m, steps);
    t->m->goal = NULL;
    return why;
}

enum machine_stop timeline_advance(struct timeline *t, uint64_t steps, const struct position *goal) {
    if (t->in_past) return replay(t, steps, goal);
    uint64_t chunk = steps < CHUNK_STEPS ? steps : CHUNK_STEPS;
    enum machine_stop why = t->expecting ? replay(t, chunk, goal) : live(t, chunk, goal);
    timeline_look_after_failure(t);
    if (why == MACHINE_STEPS && timeline_due(t)) t->failed |= !timeline_checkpoint_here(t);
    return why;
}

// What tells that a run has come on, in idle time as well.
struct standing {
    struct position at;
    unsigned base;
    size_t taken;
};
static struct standing stand(const struct timeline *t) {
    struct standing now = {.base = t->base, .taken = timeline_inputs_taken(t)};
    machine_position(t->m, &now.at);
    return now;
}
static bool still_stands(const struct timeline *t, const struct standing *before) {
    struct standing now = stand(t);
    return now.base == before->base && now.taken == before->taken && position_same(&now.at, &before->at);
}

enum machine_stop timeline_run(struct timeline *t, uint64_t steps) {
    uint64_t now = machine_steps(t->m), until = steps > ~0ull - now ? ~0ull : now + steps;
    enum machine_stop why;
    do {
        bool was_past = t->in_past;
        struct standing before = stand(t);
        why = timeline_advance(t, until - machine_steps(t->m), NULL);
        if ((was_past && !t->in_past) || still_stands(t, &before)) break;
    } while (why == MACHINE_STEPS && machine_steps(t->m) < until);
    return why;
}

// As advance. Counts the runs after which the machine still stands where it stood.
enum machine_stop timeline_advance_on(struct timeline *t, uint64_t steps, const struct position *goal,
                                      unsigned *still) {
    struct standing before = stand(t);
    enum machine_stop why = timeline_advance(t, steps, goal);
    *still = still_stands(t, &before) ? *still + 1 : 0;
    return why;
}

enum machine_stop timeline_run_to(struct timeline *t, const struct position *goal) {
    unsigned still = 0;
    enum machine_stop why = MACHINE_STEPS;
    while (why == MACHINE_STEPS && position_order(t->m, goal) == POSITION_AHEAD && still < STANDSTILLS)
        why = timeline_advance_on(t, ~0ull, goal, &still);
    return why;
}

enum machine_stop timeline_run_to_input(struct timeline *t, const struct position *position, uint64_t inputs) {
    while (t->m->replay && t->forgotten + timeline_inputs_taken(t) < inputs) {
        const struct position *at = &t->m->replay->at;
        enum machine_stop why = timeline_run_to(t, at);
        if (position_order(t->m, at) == POSITION_AHEAD) return why;
        int came = machine_come_in(t->m);
        if (came >= 0) return (enum machine_stop)came;
    }
    return timeline_run_to(t, position);
}

enum machine_stop timeline_step(struct timeline *t) {
    struct machine *m = t->m;
    uint64_t next = machine_steps(m) + 1;
    const struct position *ahead = t->in_past ? &t->checkpoint[t->base + 1].at : &t->last;
    bool plain = timeline_replaying(t) && ahead->steps > next && (!m->replay || m->replay->at.steps > next);
    if (!plain) return timeline_advance(t, 1, NULL);
    uint64_t idle_limit = m->idle_limit;
    m->idle_limit = ~0ull;
    enum machine_stop why = machine_run(m, 1);
    m->idle_limit = idle_limit;
    if (!t->in_past && timeline_due(t)) t->failed |= !timeline_checkpoint_here(t);
    return why;
}
