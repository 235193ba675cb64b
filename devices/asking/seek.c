// Back to the last stop; see seek.h.
#include "devices/asking/seek.h"
#include "devices/asking/crew.h"
#include <stdlib.h>

enum { FIRST_STRETCH = 100000, SHORT_STRETCH = 1000000, GROWTH = 10 };

struct stretch {
    uint64_t from, to;          // steps
    const struct position *end; // NULL: the first position at `to`
};

static bool at_end(const struct timeline *t, const struct stretch *s) {
    return s->end ? position_order(t->m, s->end) != POSITION_AHEAD : machine_steps(t->m) >= s->to;
}

static enum machine_stop advance(struct timeline *t, const struct stretch *s, unsigned *still) {
    uint64_t left = s->to - machine_steps(t->m);
    timeline_leave_checkpoint(t, s->to);
    if (left > DENSE_STEPS || !s->end)
        return timeline_advance_on(t, left < DENSE_STEPS ? left : DENSE_STEPS, NULL, still);
    return timeline_advance_on(t, ~0ull, s->end, still);
}

// Through a stretch once: the last stop in it.
static enum search through(struct timeline *t, const struct seek *seek, const struct stretch *s, struct position *at,
                           const char **wrong) {
    enum search found = SEARCH_NOTHING;
    unsigned still = 0;
    while (!at_end(t, s) && still < STANDSTILLS) {
        enum machine_stop why = advance(t, s, &still);
        if (timeline_ends_the_way(why, wrong)) return SEARCH_WRONG;
        bool here = s->end && position_order(t->m, s->end) == POSITION_HERE;
        if (why != MACHINE_OBSERVED || here || !seek->counts(seek->context)) continue;
        found = SEARCH_FOUND;
        machine_position(t->m, at);
    }
    return found;
}

// From a step before it on, where there is one: what somebody compares with what was before may stop at the first step.
static enum search look_through(struct timeline *t, const struct seek *seek, const struct stretch *s,
                                struct position *at, const char **wrong) {
    bool first = s->from == t->checkpoint[0].at.steps;
    if (!timeline_go_step(t, first ? s->from : s->from - 1, wrong)) return SEARCH_WRONG;
    if (seek->begin) seek->begin(seek->context);
    enum search found = through(t, seek, s, at, wrong);
    if (seek->end) seek->end(seek->context);
    return found;
}

// --- several side by side ---
//
// Workers find where anything at all would be told to somebody who looks on; whether that is a stop is asked of the
// machine itself, there. So a piece without a sight has no stop.

struct scout {
    uint64_t last; // step of the last sight
    bool sees;
    struct observer observer;
    struct point *point;
};
struct scouting {
    uint64_t wanted;     // by all observers
    struct point *point; // copies of all points
    unsigned count;
    struct {
        uint64_t last;
        bool sees;
    } of[CREW_PIECES];
};

static void note(struct scout *s, const struct cpu *cpu, const struct sight *sight) {
    s->last = sight->step + cpu->wire.other_steps;
    s->sees = true;
}
static void scout_sees(void *context, struct cpu *cpu, const struct sight *sight) { note(context, cpu, sight); }
static void scout_hits(struct point *point, struct cpu *cpu, const struct sight *sight) {
    note(point->context, cpu, sight);
}

static bool hire(void *context, struct crew_worker *w) {
    const struct scouting *all = context;
    struct scout *s = calloc(1, sizeof *s);
    if (s && all->count && !(s->point = calloc(all->count, sizeof *s->point))) {
        free(s);
        return false;
    }
    w->own = s;
    if (!s) return false;
    s->observer = (struct observer){.wanted = all->wanted, .context = s, .see = scout_sees};
    if (all->wanted) machine_add_observer(w->twin.machine, &s->observer);
    for (unsigned i = 0; i < all->count; i++) {
        s->point[i] = all->point[i];
        s->point[i].context = s;
        s->point[i].hit = scout_hits;
        machine_add_point(w->twin.machine, &s->point[i]);
    }
    return true;
}
static void fire(void *context, struct crew_worker *w) {
    struct scout *s = w->own;
    (void)context;
    free(s->point);
    free(s);
}

// From the step before it on, as in look_through; sights on the way there do not count.
static enum search scout_through(void *context, struct crew_worker *w, unsigned piece, const char **wrong) {
    struct scouting *all = context;
    struct scout *own = w->own;
    struct timeline *t = w->twin.timeline;
    const struct scan_span *span = &w->crew->piece[piece];
    unsigned still = 0;
    if (!timeline_go_step(t, span->from, wrong)) return SEARCH_WRONG;
    own->sees = false;
    while (machine_steps(t->m) < span->to && still < STANDSTILLS)
        if (timeline_ends_the_way(timeline_advance_on(t, span->to - machine_steps(t->m), NULL, &still), wrong))
            return SEARCH_WRONG;
    all->of[piece].last = own->last;
    all->of[piece].sees = own->sees;
    return own->sees ? SEARCH_FOUND : SEARCH_NOTHING;
}

// What is looked for, with what `begin` adds.
static bool copy_points(struct scouting *all, const struct machine *m) {
    for (const struct point *p = m->points; p; p = p->next) all->count++;
    if (all->count && !(all->point = calloc(all->count, sizeof *all->point))) return false;
    unsigned i = 0;
    for (const struct point *p = m->points; p; p = p->next) all->point[i++] = *p;
    return true;
}

// False: there is nobody to share with, or nothing would be won, as something is told at every other step.
static bool scouting_begin(struct scouting *all, struct timeline *t, const struct seek *seek) {
    const uint64_t often =
        BIT(OBSERVE_INSTRUCTION) | BIT(OBSERVE_BRANCH) | BIT(OBSERVE_MEMORY) | BIT(OBSERVE_WALK) | BIT(OBSERVE_TLB);
    if (seek->begin) seek->begin(seek->context);
    for (const struct observer *o = t->m->observers; o; o = o->next) all->wanted |= o->wanted;
    bool good = !(all->wanted & often) && copy_points(all, t->m);
    if (seek->end) seek->end(seek->context);
    return good;
}

// A piece with sights: around the last one, which is the stop if it counts; else all of it. *needless: that was so.
static enum search look_through_piece(struct timeline *t, const struct seek *seek, struct scan_span piece,
                                      uint64_t last, bool *needless, struct position *at, const char **wrong) {
    enum { AROUND = 2 };
    struct stretch s = {.from = last > piece.from + AROUND ? last - AROUND : piece.from, .to = piece.to};
    if (last + AROUND < s.to) s.to = last + AROUND;
    enum search found = look_through(t, seek, &s, at, wrong);
    if (found != SEARCH_NOTHING || s.from == piece.from) return found;
    *needless = true;
    s = (struct stretch){.from = piece.from, .to = s.from};
    return look_through(t, seek, &s, at, wrong);
}

static enum search look_through_far(struct crew *crew, struct scouting *all, const struct seek *seek, struct stretch *s,
                                    struct position *at, const char **wrong) {
    struct timeline *t = crew->t;
    struct scan_span span = {s->from, s->to}, piece[CREW_PIECES];
    const struct crew_cutting how = {.steps = crew_alone(t, true), .backwards = true, .at_checkpoints = true};
    enum search found = SEARCH_NOTHING;
    bool needless = false;
    unsigned count;
    crew->most = s->to - s->from;
    while (found == SEARCH_NOTHING && !needless && (count = crew_cut(crew, &span, &how, piece))) {
        struct onlookers who = timeline_send_away(t->m);
        enum search any = crew_do(crew, piece, count, wrong);
        timeline_set_onlookers(t->m, who);
        if (any == SEARCH_WRONG) return any;
        for (unsigned i = 0; i < count && found == SEARCH_NOTHING; i++)
            if (all->of[i].sees) found = look_through_piece(t, seek, piece[i], all->of[i].last, &needless, at, wrong);
    }
    s->to = span.to; // what nobody looked through
    return found;
}

// A long stretch.
static enum search look_through_shared(struct timeline *t, const struct seek *seek, struct stretch *s,
                                       struct position *at, const char **wrong) {
    struct scouting all = {.wanted = 0};
    struct crew crew = {.context = &all, .through = scout_through, .hire = hire, .fire = fire};
    enum search found = SEARCH_NOTHING;
    if (s->to - s->from >= crew_alone(t, true) && !s->end && scouting_begin(&all, t, seek) && crew_begin(&crew, t)) {
        found = look_through_far(&crew, &all, seek, s, at, wrong);
    }
    if (crew.worker) crew_end(&crew);
    free(all.point);
    return found == SEARCH_NOTHING && s->to > s->from ? look_through(t, seek, s, at, wrong) : found;
}

// Workers share long stretches, which grow: they look through the last pieces first. Whoever is alone goes through what
// lies behind one checkpoint after the other, from where it is to be had at once: look_through begins a step before.
static uint64_t stretch_begin(const struct timeline *t, uint64_t to, uint64_t longest) {
    uint64_t first = t->checkpoint[0].at.steps;
    bool shared = crew_alone(t, true) != ~0ull;
    if (shared || longest <= SHORT_STRETCH) return to - first > longest ? to - longest : first;
    unsigned i = t->count - 1;
    while (i && t->checkpoint[i].at.steps + SHORT_STRETCH > to) i--;
    return i ? t->checkpoint[i].at.steps + 1 : first;
}

enum search timeline_back_to(struct timeline *t, const struct seek *seek, struct position *at, const char **wrong) {
    struct position present;
    enum search found = SEARCH_NOTHING;
    machine_position(t->m, &present);
    struct stretch s = {.to = present.steps, .end = &present};
    *wrong = NULL;
    for (uint64_t longest = FIRST_STRETCH; found == SEARCH_NOTHING; longest *= longest < s.to ? GROWTH : 1) {
        s.from = stretch_begin(t, s.to, longest);
        found = look_through_shared(t, seek, &s, at, wrong);
        if (s.from == t->checkpoint[0].at.steps) break;
        s = (struct stretch){.to = s.from};
    }
    if (found == SEARCH_FOUND && !timeline_go(t, at, wrong)) return SEARCH_WRONG;
    if (found == SEARCH_NOTHING && !timeline_go_checkpoint(t, 0, wrong)) return SEARCH_WRONG;
    return found;
}
