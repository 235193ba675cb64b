// When a value changed; see change.h.
//
// From the present back, interval by interval: the value at both ends is what the checkpoints have. Where it differs it
// changed within. Where it is the same it may have changed and changed back, unless the page that it lies in was not
// stored to; such intervals are looked into as well, all of them or as many as can be gone through in a moment.
#include "devices/asking/change.h"
#include "devices/asking/crew.h"
#include "devices/asking/kept_place.h"
#include "devices/asking/watching.h"
#include <stdlib.h>

enum {
    QUICK_STEPS = 30000000,       // may be gone through for changes that were undone
    QUICK_SINGLE_STEPS = 3000000, // the same where each step must be looked at
    WINDOW_STEPS = 3,             // what is noticed happened within so many steps
    FIRST_CHUNK_STEPS = 64,       // step by step from the end: so many, and then ever more
    CHUNK_GROWTH = 16,
};

struct interval {
    struct position begin, end;
    bool touched; // the value may have changed within
    bool differs; // it has
    bool known;   // `old` is the value at its beginning, `now` at its end
    uint64_t old, now;
    size_t before, taken; // inputs up to its beginning, and its end
    bool looks;           // it is looked into
    bool asked;           // and was, by a worker, who found
    enum search found;
    struct change change;
};
struct searching {
    struct timeline *t;
    struct watching w;
    struct interval *interval; // the newest first
    unsigned count;
    const char **wrong;
    struct crew crew;
    struct interval *shared[CREW_PIECES]; // what it looks into
};

// --- the intervals ---

static const uint8_t *page_now(struct timeline *t, const struct kept_place *k) {
    return k->has_page ? frame_data((struct page_frame){&t->pages->area[k->area], k->page}) : NULL;
}

// What intervals from the present back have of a place. `page` follows: its content at the end of each.
static void compare_checkpoints(struct searching *s, const struct kept_place *k, uint64_t value) {
    struct timeline *t = s->t;
    struct page_list *list = &t->present;
    const uint8_t *page = page_now(t, k);
    for (unsigned i = 0; i < s->count; i++) {
        bool in_image = k->kind != KEPT_IN_MEMORY;
        const uint8_t *image = in_image ? checkpoint_image(t, t->base - i) : NULL;
        bool stored = k->has_page && page_list_find(list, k->area, k->page, &page);
        bool known = image || !in_image; // else memory is short: it is looked for later
        uint64_t before = known ? kept_value(k, image, page) : value;
        s->interval[i].touched = stored || k->kind != KEPT_IN_MEMORY;
        s->interval[i].differs = before != value;
        s->interval[i].known = known;
        s->interval[i].old = before;
        s->interval[i].now = value;
        value = before;
        if (i < t->base) list = &t->checkpoint[t->base - i - 1].pages;
    }
}

static bool find_intervals(struct searching *s, const struct place *place) {
    struct timeline *t = s->t;
    struct kept_place kept;
    uint64_t value = 0;
    s->count = t->base + 1;
    if (!(s->interval = calloc(s->count, sizeof *s->interval))) return false;
    for (unsigned i = 0; i < s->count; i++) {
        struct interval *v = &s->interval[i];
        v->begin = t->checkpoint[t->base - i].at;
        v->touched = true;
        v->before = t->checkpoint[t->base - i].inputs;
        v->taken = i ? t->checkpoint[t->base - i + 1].inputs : timeline_inputs_taken(t);
        if (i)
            v->end = s->interval[i - 1].begin;
        else
            machine_position(t->m, &v->end);
    }
    (void)place_read(t->m, place, &value);
    if (kept_place(t->m, place, &kept)) compare_checkpoints(s, &kept, value);
    return true;
}

// --- one interval ---

static uint64_t steps_of(const struct interval *v) { return v->end.steps - v->begin.steps; }

// What was noticed at about a step, exactly.
static enum search look_closely(struct searching *s, const struct interval *v, uint64_t step, struct change *out) {
    uint64_t from = step > WINDOW_STEPS ? step - WINDOW_STEPS : 0, to = step + WINDOW_STEPS;
    if (from < v->begin.steps) from = v->begin.steps;
    if (to > v->end.steps) to = v->end.steps;
    return watching_steps(&s->w, from, to, out, s->wrong);
}

// Each step, the last ones first.
static enum search look_at_steps(struct searching *s, const struct interval *v, struct change *out) {
    enum search found = SEARCH_NOTHING;
    uint64_t to = v->end.steps, chunk = FIRST_CHUNK_STEPS;
    for (; found == SEARCH_NOTHING && to > v->begin.steps; chunk *= CHUNK_GROWTH) {
        uint64_t left = to - v->begin.steps, from = to - (chunk < left ? chunk : left);
        found = watching_steps(&s->w, from, to, out, s->wrong);
        to = from;
    }
    return found;
}

static bool value_at(struct searching *s, uint64_t step, uint64_t *value) {
    *value = 0;
    if (!timeline_go_step(s->t, step, s->wrong)) return false;
    (void)place_read(s->t->m, s->w.place, value);
    return true;
}

// A change between two steps with different values, by halving.
static enum search halve(struct searching *s, const struct interval *v, struct change *out) {
    uint64_t from = v->begin.steps, to = v->end.steps, last, value;
    if (!value_at(s, to, &last)) return SEARCH_WRONG;
    while (to - from > FIRST_CHUNK_STEPS) {
        uint64_t middle = from + (to - from) / 2;
        if (!value_at(s, middle, &value)) return SEARCH_WRONG;
        if (value == last)
            to = middle;
        else
            from = middle;
    }
    return watching_steps(&s->w, from, to, out, s->wrong);
}

static enum search look_into(struct searching *s, const struct interval *v, struct change *out) {
    enum search found = SEARCH_NOTHING;
    if (s->w.how != NOTICE_STEPS) {
        if (!timeline_go(s->t, &v->begin, s->wrong) || !watching_span(&s->w, &v->end, s->wrong)) return SEARCH_WRONG;
        if (s->w.found) found = look_closely(s, v, s->w.step, out);
        if (s->w.found && found == SEARCH_NOTHING) found = look_closely(s, v, s->w.before, out);
    } else if (steps_of(v) <= QUICK_SINGLE_STEPS || !v->differs) {
        found = look_at_steps(s, v, out);
    }
    return found == SEARCH_NOTHING && v->differs ? halve(s, v, out) : found;
}

// --- at its end ---

// The first of the inputs that came at the last step of the interval. False: none did.
static bool last_inputs(struct timeline *t, const struct interval *v, struct input *first) {
    struct input input;
    bool any = false;
    for (size_t i = v->taken; i > v->before && timeline_input(t, i - 1, &input) && input.at.steps == v->end.steps;
         i--) {
        *first = input;
        any = true;
    }
    return any;
}

static enum search altered(struct searching *s, const struct interval *v, uint64_t old, uint64_t now,
                           struct change *out) {
    if (old == now) return SEARCH_NOTHING;
    watching_note_beginning(s->t, out);
    out->step = v->end.steps;
    out->old = old;
    out->now = now;
    out->from_outside = true;
    return SEARCH_FOUND;
}

// What came from outside where the interval ends is done at its end, and no step of it did it: the value before it is
// where the replay comes to.
static enum search look_at_end(struct searching *s, const struct interval *v, struct change *out) {
    struct input first;
    uint64_t old = 0, now = 0;
    if (!last_inputs(s->t, v, &first)) return SEARCH_NOTHING;
    if (position_same(&v->begin, &v->end)) return v->known ? altered(s, v, v->old, v->now, out) : SEARCH_NOTHING;
    if (!timeline_go(s->t, &v->end, s->wrong)) return SEARCH_WRONG;
    (void)place_read(s->t->m, s->w.place, &now);
    if (!timeline_go(s->t, &v->begin, s->wrong)) return SEARCH_WRONG;
    if (timeline_ends_the_way(timeline_run_to(s->t, &first.at), s->wrong)) return SEARCH_WRONG;
    (void)place_read(s->t->m, s->w.place, &old);
    return altered(s, v, old, v->known ? v->now : now, out);
}

// --- several side by side ---

static bool hire(void *context, struct crew_worker *w) {
    const struct searching *s = context;
    struct searching *own = calloc(1, sizeof *own);
    if (!own) return false;
    own->t = w->twin.timeline;
    watching_prepare(&own->w, own->t, s->w.place, s->w.stores);
    w->own = own;
    return true;
}
static void fire(void *context, struct crew_worker *w) {
    (void)context;
    free(w->own);
}
static enum search through(void *context, struct crew_worker *w, unsigned piece, const char **wrong) {
    struct searching *s = context, *own = w->own;
    struct interval *v = s->shared[piece];
    own->wrong = wrong;
    v->found = look_into(own, v, &v->change);
    return v->found;
}

// The next intervals, from one on, that are to be looked into. What begins and ends at one step is left out.
static unsigned next_intervals(struct searching *s, unsigned index, struct scan_span piece[CREW_PIECES]) {
    unsigned count = 0;
    for (; index < s->count && count < CREW_PIECES && count < 2 * s->crew.workers; index++) {
        struct interval *v = &s->interval[index];
        if (!v->looks || !steps_of(v)) continue;
        piece[count] = (struct scan_span){v->begin.steps + 1, v->end.steps};
        s->shared[count++] = v;
    }
    return count;
}

// Looks into intervals from one on, the workers all at once. False: *wrong.
static bool share(struct searching *s, unsigned index) {
    struct scan_span piece[CREW_PIECES];
    if (!s->crew.worker) {
        s->crew = (struct crew){.context = s, .through = through, .hire = hire, .fire = fire, .first_only = true};
        if (!crew_begin(&s->crew, s->t)) *s->wrong = "memory";
    }
    unsigned count = *s->wrong ? 0 : next_intervals(s, index, piece);
    for (unsigned i = 0; i < count; i++) s->crew.most += piece[i].to - piece[i].from;
    if (!count || crew_do(&s->crew, piece, count, s->wrong) == SEARCH_WRONG) return !*s->wrong;
    for (unsigned i = 0; i < count && i <= s->crew.least; i++) s->shared[i]->asked = true;
    return true;
}

// --- all of them ---

// Which intervals are looked into: those in which it changed, and as many of the others as can be in a moment.
static void choose(struct searching *s, enum search_depth depth) {
    uint64_t most = s->w.how == NOTICE_STEPS ? QUICK_SINGLE_STEPS : QUICK_STEPS;
    for (unsigned i = 0; i < s->count; i++) {
        struct interval *v = &s->interval[i];
        v->looks = v->touched && (v->differs || depth != SEARCH_QUICKLY || steps_of(v) <= most);
        if (v->looks && !v->differs) most -= steps_of(v) < most ? steps_of(v) : most;
    }
}

static enum search search_one(struct searching *s, const struct interval *v, struct change *out) {
    enum search found = look_at_end(s, v, out);
    if (found != SEARCH_NOTHING) return found;
    if (!v->asked) return look_into(s, v, out);
    *out = v->change;
    return v->found;
}

static enum search search(struct searching *s, enum search_depth depth, struct change *out) {
    uint64_t unsearched = 0, alone = crew_alone(s->t, s->w.how != NOTICE_STEPS);
    enum search found = SEARCH_NOTHING;
    bool shares = depth != SEARCH_QUICKLY && alone != ~0ull;
    choose(s, depth);
    for (unsigned i = 0; i < s->count && found == SEARCH_NOTHING; i++) {
        const struct interval *v = &s->interval[i];
        if (!v->looks && v->touched) unsearched += steps_of(v);
        if (!v->looks) continue;
        if (shares && !alone && !v->asked && !share(s, i)) return SEARCH_WRONG;
        found = search_one(s, v, out);
        alone -= steps_of(v) < alone ? steps_of(v) : alone;
    }
    out->unsearched = unsearched;
    return found;
}

enum search timeline_changed(struct timeline *t, const struct place *place, enum search_depth depth, struct change *out,
                             const char **wrong) {
    struct searching s = {.t = t, .wrong = wrong};
    const struct place where = *place;
    *wrong = NULL;
    *out = (struct change){0};
    struct onlookers who = timeline_send_away(t->m);
    watching_prepare(&s.w, t, &where, depth == SEARCH_STORES);
    enum search found = SEARCH_WRONG;
    if (find_intervals(&s, &where))
        found = search(&s, depth, out);
    else
        *wrong = "memory";
    if (s.crew.worker) crew_end(&s.crew);
    timeline_set_onlookers(t->m, who);
    free(s.interval);
    return found;
}
