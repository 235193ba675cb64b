// Spans that several machines go through side by side; see scanning.h and crew.h.
//
// The nearest steps are gone through alone: most questions end there, and a machine takes a while to be made.
#include "devices/asking/crew.h"
#include "devices/asking/scanning.h"
#include <stdlib.h>

enum { CHANGES_MOST = 16384 }; // that a piece may have; then another one begins

// Whether a span is worth it. Then *near is what one machine goes through first, and *far the rest.
static bool shares(struct timeline *t, bool fast, bool backwards, struct scan_span span, struct scan_span *near,
                   struct scan_span *far) {
    uint64_t alone = crew_alone(t, fast);
    *near = *far = span;
    if (alone == ~0ull || span.to - span.from < 2 * alone) return false;
    if (backwards)
        near->from = far->to = span.to - alone;
    else
        near->to = far->from = span.from + alone;
    return true;
}

static struct crew_cutting cutting(const struct timeline *t, bool fast, bool backwards) {
    return (struct crew_cutting){crew_alone(t, fast), backwards, fast};
}

// Where each step is looked at, pieces are short at first.
static void grow(const struct timeline *t, struct crew_cutting *how) {
    if (how->steps < crew_alone(t, true)) how->steps *= 2;
}

// --- moments ---

struct moments {
    const struct scan_test *test;
    bool last;
    uint64_t step[CREW_PIECES];
};

static bool hire_test(void *context, struct crew_worker *w) {
    const struct moments *s = context;
    return (w->own = s->test->copy(s->test->context, w->twin.machine));
}
static void fire_test(void *context, struct crew_worker *w) {
    const struct moments *s = context;
    s->test->done(s->test->context, w->own);
}
static enum search moments_through(void *context, struct crew_worker *w, unsigned piece, const char **wrong) {
    struct moments *s = context;
    struct scan_test test = *s->test;
    test.context = w->own;
    return scanning_moments(w->twin.timeline, &test, w->crew->piece[piece], s->last, &s->step[piece], wrong);
}

static enum search far_moments(struct crew *crew, struct moments *s, struct scan_span span, uint64_t *step,
                               const char **wrong) {
    struct scan_span piece[CREW_PIECES];
    struct crew_cutting how = cutting(crew->t, scan_test_is_seen(s->test), s->last);
    enum search found = SEARCH_NOTHING;
    unsigned count;
    crew->most = span.to - span.from;
    for (; found == SEARCH_NOTHING && (count = crew_cut(crew, &span, &how, piece)); grow(crew->t, &how))
        found = crew_do(crew, piece, count, wrong);
    if (found == SEARCH_FOUND) *step = s->step[crew->least];
    return found;
}

enum search side_moments(struct timeline *t, const struct scan_test *test, struct scan_span span, bool last,
                         uint64_t *step, const char **wrong) {
    struct scan_span near, far;
    struct moments s = {.test = test, .last = last};
    bool more = test->copy && shares(t, scan_test_is_seen(test), last, span, &near, &far);
    enum search found = scanning_moments(t, test, more ? near : span, last, step, wrong);
    if (!more || found != SEARCH_NOTHING) return found;
    struct crew crew = {
        .context = &s, .through = moments_through, .hire = hire_test, .fire = fire_test, .first_only = true};
    if (crew_begin(&crew, t))
        found = far_moments(&crew, &s, far, step, wrong);
    else
        found = scanning_moments(t, test, far, last, step, wrong);
    crew_end(&crew);
    return found;
}

// --- values ---

// The changes of a piece, in order.
struct changes {
    struct change *change;
    size_t count;
    bool more;                     // it was left behind the last one, as there are too many
    struct scan_known first, last; // of a value that comes and goes: at its beginning and at its end
};
struct values {
    const struct place *place;      // of which they are; NULL:
    const struct scan_value *value; // of that
    scan_change_fn *one;
    void *context;
    bool on, found;          // more are wanted; there was one
    struct scan_known known; // in what was told so far
    struct changes of[CREW_PIECES];
};

static bool keep_change(void *context, const struct change *change) {
    struct changes *c = context;
    if (!c->change && !(c->change = malloc(CHANGES_MOST * sizeof *c->change))) return false;
    c->change[c->count++] = *change;
    c->more = c->count == CHANGES_MOST;
    return !c->more;
}

static bool hire_value(void *context, struct crew_worker *w) {
    const struct values *v = context;
    return !v->value || (w->own = v->value->copy(v->value->context, w->twin.machine));
}
static void fire_value(void *context, struct crew_worker *w) {
    const struct values *v = context;
    if (v->value) v->value->done(v->value->context, w->own);
}

static enum search values_of(struct values *v, struct timeline *t, void *own, struct scan_span span,
                             scan_change_fn *one, void *context, struct scan_known *last, const char **wrong) {
    if (v->place) return scanning_values(t, v->place, span, one, context, wrong);
    struct scan_value value = *v->value;
    value.context = own;
    return scanning_moving(t, &value, span, last, one, context, wrong);
}

static enum search values_through(void *context, struct crew_worker *w, unsigned piece, const char **wrong) {
    struct values *v = context;
    struct changes *c = &v->of[piece];
    enum search found = values_of(v, w->twin.timeline, w->own, w->crew->piece[piece], keep_change, c, &c->last, wrong);
    if (found != SEARCH_FOUND || c->change) return found;
    *wrong = "memory";
    return SEARCH_WRONG;
}

// One after the other. What was not there where a piece begins, and comes in it, may have been there before.
static bool tell(void *context, const struct change *change) {
    struct values *v = context;
    struct change c = *change;
    if (c.appears && v->known.known) {
        if (c.now == v->known.value) return true;
        c.appears = false;
        c.old = v->known.value;
    }
    v->known = (struct scan_known){true, c.now};
    v->found = true;
    return v->on = v->one(v->context, &c);
}

// What the pieces have, in order. False: enough, or *span begins behind a piece that has more.
static bool tell_pieces(struct values *v, struct crew *crew, unsigned count, struct scan_span *span) {
    bool goes_on = true;
    for (unsigned i = 0; i < count; i++) {
        struct changes *c = &v->of[i];
        for (size_t k = 0; goes_on && v->on && k < c->count; k++) (void)tell(v, &c->change[k]);
        if (goes_on && !c->more && c->last.known) v->known = c->last;
        if (goes_on && c->more) span->from = c->change[c->count - 1].step + 1;
        goes_on &= !c->more;
        free(c->change);
        *c = (struct changes){0};
    }
    (void)crew;
    return goes_on;
}

static enum search far_values(struct crew *crew, struct values *v, bool fast, struct scan_span span,
                              const char **wrong) {
    struct scan_span piece[CREW_PIECES];
    struct crew_cutting how = cutting(crew->t, fast, false);
    unsigned count;
    crew->most = span.to - span.from;
    for (; v->on && (count = crew_cut(crew, &span, &how, piece)); grow(crew->t, &how)) {
        enum search found = crew_do(crew, piece, count, wrong);
        (void)tell_pieces(v, crew, count, &span);
        if (found == SEARCH_WRONG) return found;
    }
    return v->found ? SEARCH_FOUND : SEARCH_NOTHING;
}

static enum search all_values(struct timeline *t, struct values *v, bool fast, struct scan_span span,
                              const char **wrong) {
    struct scan_span near, far;
    void *own = v->value ? v->value->context : NULL;
    bool more = (v->place || v->value->copy) && shares(t, fast, false, span, &near, &far);
    v->on = true;
    enum search found = values_of(v, t, own, more ? near : span, tell, v, &v->known, wrong);
    if (!more || !v->on || found == SEARCH_WRONG) return found;
    struct crew crew = {.context = v, .through = values_through, .hire = hire_value, .fire = fire_value};
    if (crew_begin(&crew, t))
        found = far_values(&crew, v, fast, far, wrong);
    else
        *wrong = "memory", found = SEARCH_WRONG;
    crew_end(&crew);
    return found;
}

enum search side_values(struct timeline *t, const struct place *place, struct scan_span span, scan_change_fn *one,
                        void *context, const char **wrong) {
    struct watching w;
    struct values v = {.place = place, .one = one, .context = context};
    watching_prepare(&w, t, place, false);
    return all_values(t, &v, w.how != NOTICE_STEPS, span, wrong);
}

enum search side_moving(struct timeline *t, const struct scan_value *value, struct scan_span span, scan_change_fn *one,
                        void *context, const char **wrong) {
    struct values v = {.value = value, .one = one, .context = context};
    return all_values(t, &v, false, span, wrong);
}
