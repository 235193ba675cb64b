// Back to the last stop; see seek.h.
#include "devices/asking/seek.h"
#include "devices/history/timeline_private.h"

enum { FIRST_STRETCH = 100000, GROWTH = 10 };

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

enum search timeline_back_to(struct timeline *t, const struct seek *seek, struct position *at, const char **wrong) {
    struct position present;
    struct timeline_facts facts;
    enum search found = SEARCH_NOTHING;
    timeline_facts(t, &facts);
    machine_position(t->m, &present);
    struct stretch s = {.to = present.steps, .end = &present};
    *wrong = NULL;
    for (uint64_t longest = FIRST_STRETCH; found == SEARCH_NOTHING; longest *= GROWTH) {
        uint64_t left = s.to - facts.first.steps;
        s.from = s.to - (longest < left ? longest : left);
        found = look_through(t, seek, &s, at, wrong);
        if (s.from == facts.first.steps) break;
        s = (struct stretch){.to = s.from};
    }
    if (found == SEARCH_FOUND && !timeline_go(t, at, wrong)) return SEARCH_WRONG;
    if (found == SEARCH_NOTHING && !timeline_go_checkpoint(t, 0, wrong)) return SEARCH_WRONG;
    return found;
}
