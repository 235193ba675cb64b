// Going through spans of the past; see scan.h.
//
// What is told of the machine stops it where it can matter, and the machine then goes on to the first position of the
// next step: between two such moments nothing changes.
#include "devices/asking/scanning.h"
#include "cpu/processor/observing.h"
#include "vmx/vmcs/vmx.h"

// What was seen last, and who did it.
struct seeing {
    struct timeline *t;
    struct change last;
    uint64_t stops; // those of what is seen that stop the machine
    struct observer observer;
    unsigned places; // whose stores are told of
    struct seen_place {
        struct seeing *of;
        const struct place *place;
        struct point point;
    } seen[SCAN_MEMORIES];
};

static void note_who(struct change *c, const struct cpu *cpu, const struct sight *sight) {
    c->processor = cpu->id;
    c->level = cpu->wire.extension ? vmx_level(cpu) : 0;
    c->rip = sight->rip;
}

static void sight_comes(void *context, struct cpu *cpu, const struct sight *sight) {
    struct seeing *s = context;
    note_who(&s->last, cpu, sight);
    s->last.seen |= BIT(sight->kind);
    if (EVENT_SIGHTS & BIT(sight->kind)) s->last.vector = (uint8_t)sight->number;
    if (s->stops & BIT(sight->kind)) cpu_stop(cpu);
}

// What the place will hold. False: it is not known.
static bool value_to_come(const struct place *p, const struct sight *sight, uint64_t old, uint64_t *value) {
    uint64_t from = sight->physical > p->address ? sight->physical : p->address;
    uint64_t end = p->address + p->bytes, stored = sight->physical + sight->size;
    if (sight->size >= sizeof *value) return false; // a longer store tells of its first 8 bytes only
    *value = old;
    for (uint64_t at = from; at < end && at < stored; at++) {
        uint64_t byte = sight->value >> 8 * (at - sight->physical) & 0xff;
        *value = (*value & ~(0xffull << 8 * (at - p->address))) | byte << 8 * (at - p->address);
    }
    return true;
}

static void store_comes(struct point *point, struct cpu *cpu, const struct sight *sight) {
    const struct seen_place *seen = point->context;
    struct seeing *s = seen->of;
    uint64_t old = 0, value;
    (void)place_read(s->t->m, seen->place, &old);
    if (value_to_come(seen->place, sight, old, &value) && value == old) return;
    note_who(&s->last, cpu, sight);
    s->last.stored_by = (int)sight->number;
    cpu_stop(cpu);
}

static void see_place(struct seeing *s, const struct place *place) {
    struct seen_place *seen = &s->seen[s->places++];
    seen->of = s;
    seen->place = place;
    seen->point = (struct point){.address = place->address,
                                 .bytes = place->bytes,
                                 .space = POINT_PHYSICAL,
                                 .access = POINT_WRITE,
                                 .context = seen,
                                 .hit = store_comes};
    machine_add_point(s->t->m, &seen->point);
}

static void begin_seeing(struct seeing *s, uint64_t sights, const struct place *memory, unsigned memories) {
    s->stops = sights;
    s->observer = (struct observer){.wanted = sights, .context = s, .see = sight_comes};
    if (sights) machine_add_observer(s->t->m, &s->observer);
    for (unsigned i = 0; i < memories; i++) see_place(s, &memory[i]);
}

static void end_seeing(struct seeing *s) {
    if (s->observer.wanted) machine_remove_observer(s->t->m, &s->observer);
    for (unsigned i = 0; i < s->places; i++) machine_remove_point(s->t->m, &s->seen[i].point);
}

static bool within_boundary(const struct machine *m) {
    struct position at;
    machine_position(m, &at);
    return at.events || at.after_events;
}

// On to the next moment at which something may be different, or to the end.
static bool go_on(struct seeing *s, uint64_t to, const char **wrong) {
    struct machine *m = s->t->m;
    unsigned still = 0;
    size_t inputs = timeline_inputs_taken(s->t);
    s->last = (struct change){.stored_by = -1};
    while (machine_steps(m) < to && still < STANDSTILLS) {
        uint64_t left = to - machine_steps(m);
        timeline_leave_checkpoint(s->t, to);
        enum machine_stop why = timeline_advance_on(s->t, left < DENSE_STEPS ? left : DENSE_STEPS, NULL, &still);
        if (timeline_ends_the_way(why, wrong)) return false;
        s->last.from_outside = timeline_inputs_taken(s->t) != inputs;
        bool within = s->last.from_outside || (why == MACHINE_OBSERVED && within_boundary(m));
        if (within && machine_steps(m) < to && !watching_one_step(s->t, wrong)) return false;
        if (within || why == MACHINE_OBSERVED) return true;
    }
    return true;
}

// --- values ---

static enum search scan_values(struct seeing *s, const struct place *place, uint64_t to, scan_change_fn *one,
                               void *context, const char **wrong) {
    bool found = false, on = true;
    uint64_t value = 0;
    (void)place_read(s->t->m, place, &value);
    while (on && machine_steps(s->t->m) < to) {
        if (!go_on(s, to, wrong)) return SEARCH_WRONG;
        if (within_boundary(s->t->m)) break; // of the step `to`: it is no part of the span
        struct change c = s->last;
        (void)place_read(s->t->m, place, &c.now);
        c.step = machine_steps(s->t->m) - 1;
        c.old = value;
        value = c.now;
        if (c.old == c.now) continue;
        found = true;
        on = one(context, &c);
    }
    return found ? SEARCH_FOUND : SEARCH_NOTHING;
}

enum search scanning_values(struct timeline *t, const struct place *place, struct scan_span span, scan_change_fn *one,
                            void *context, const char **wrong) {
    struct watching w;
    struct seeing s = {.t = t};
    enum search found = SEARCH_WRONG;
    watching_prepare(&w, t, place, false);
    if (w.how == NOTICE_STEPS) {
        found = watching_each(&w, span.from, span.to, one, context, wrong);
    } else if (timeline_go_step(t, span.from, wrong)) {
        begin_seeing(&s, w.how == NOTICE_SIGHTS ? w.sights : 0, place, place->space == PLACE_PHYSICAL);
        found = scan_values(&s, place, span.to, one, context, wrong);
        end_seeing(&s);
    }
    return found;
}

enum search timeline_values(struct timeline *t, const struct place *place, struct scan_span span, scan_change_fn *one,
                            void *context, const char **wrong) {
    const struct place where = *place;
    *wrong = NULL;
    struct onlookers who = timeline_send_away(t->m);
    enum search found = side_values(t, &where, span, one, context, wrong);
    timeline_set_onlookers(t->m, who);
    return found;
}

// --- moments ---

struct moments {
    struct timeline *t;
    const struct scan_test *test;
    bool last, found;
    uint64_t *step;
};

// Whether that is all that is asked.
static bool look_at_moment(void *context) {
    struct moments *s = context;
    if (!s->test->holds(s->test->context)) return false;
    s->found = true;
    *s->step = machine_steps(s->t->m);
    return !s->last;
}

static bool through_sights(struct moments *s, uint64_t to, const char **wrong) {
    struct seeing seeing = {.t = s->t};
    struct machine *m = s->t->m;
    bool good = true;
    begin_seeing(&seeing, s->test->sights, s->test->memory, s->test->memories);
    while (machine_steps(m) < to) {
        bool holds = s->found && *s->step == machine_steps(m);
        good = go_on(&seeing, to, wrong);
        if (!good || within_boundary(m)) break;
        if (holds) *s->step = machine_steps(m) - 1; // it held until then
        if (look_at_moment(s)) break;
    }
    end_seeing(&seeing);
    return good;
}

static enum search through_moments(struct timeline *t, const struct scan_test *test, struct scan_span span, bool last,
                                   uint64_t *step, const char **wrong) {
    struct moments s = {t, test, last, false, step};
    if (!timeline_go_step(t, span.from, wrong)) return SEARCH_WRONG;
    if (look_at_moment(&s)) return SEARCH_FOUND;
    bool good = scan_test_is_seen(test) ? through_sights(&s, span.to, wrong)
                                        : watching_go_on(t, span.to, look_at_moment, &s, wrong);
    return !good ? SEARCH_WRONG : s.found ? SEARCH_FOUND : SEARCH_NOTHING;
}

// The last steps first, in ever longer stretches.
static enum search last_moment(struct timeline *t, const struct scan_test *test, struct scan_span span, uint64_t *step,
                               const char **wrong) {
    enum { FIRST_STRETCH = 1000, GROWTH = 10, FASTER = 100 };
    enum search found = SEARCH_NOTHING;
    uint64_t to = span.to;
    for (uint64_t stretch = FIRST_STRETCH * (scan_test_is_seen(test) ? FASTER : 1); found == SEARCH_NOTHING;
         stretch *= GROWTH) {
        uint64_t left = to - span.from, from = to - (stretch < left ? stretch : left);
        found = through_moments(t, test, (struct scan_span){from, to}, true, step, wrong);
        if (from == span.from) break;
        to = from;
    }
    return found;
}

enum search scanning_moments(struct timeline *t, const struct scan_test *test, struct scan_span span, bool last,
                             uint64_t *step, const char **wrong) {
    return last ? last_moment(t, test, span, step, wrong) : through_moments(t, test, span, false, step, wrong);
}

static enum search find_moment(struct timeline *t, const struct scan_test *test, struct scan_span span, bool last,
                               uint64_t *step, const char **wrong) {
    *wrong = NULL;
    struct onlookers who = timeline_send_away(t->m);
    enum search found = side_moments(t, test, span, last, step, wrong);
    timeline_set_onlookers(t->m, who);
    return found;
}
enum search timeline_first(struct timeline *t, const struct scan_test *test, struct scan_span span, uint64_t *step,
                           const char **wrong) {
    return find_moment(t, test, span, false, step, wrong);
}
enum search timeline_last(struct timeline *t, const struct scan_test *test, struct scan_span span, uint64_t *step,
                          const char **wrong) {
    return find_moment(t, test, span, true, step, wrong);
}

// --- values without one place ---

struct moving {
    const struct scan_value *value;
    struct seeing seeing;
    struct scan_known last; // the last one that was there
};

// On to the next moment at which it may be another one; *c: who was at work.
static bool move_on(struct moving *v, uint64_t to, struct change *c, const char **wrong) {
    struct timeline *t = v->seeing.t;
    v->seeing.stops = v->value->sights(v->value->context);
    if (v->seeing.stops) {
        bool good = go_on(&v->seeing, to, wrong);
        *c = v->seeing.last;
        c->step = machine_steps(t->m) - 1;
        return good;
    }
    size_t inputs = timeline_inputs_taken(t);
    v->seeing.last = (struct change){0};
    watching_note_beginning(t, c);
    bool good = watching_one_step(t, wrong);
    c->seen = v->seeing.last.seen;
    c->vector = v->seeing.last.vector;
    c->from_outside = timeline_inputs_taken(t) != inputs;
    return good;
}

static enum search scan_moving(struct moving *v, uint64_t to, scan_change_fn *one, void *context, const char **wrong) {
    const struct machine *m = v->seeing.t->m;
    bool found = false, on = true;
    v->last.known = v->value->read(v->value->context, &v->last.value);
    while (on && machine_steps(m) < to) {
        struct change c;
        uint64_t now;
        if (!move_on(v, to, &c, wrong)) return SEARCH_WRONG;
        if (v->seeing.stops && within_boundary(m)) break; // of the step `to`
        if (!v->value->read(v->value->context, &now) || (v->last.known && now == v->last.value)) continue;
        c.appears = !v->last.known;
        c.old = v->last.known ? v->last.value : 0;
        c.now = now;
        v->last.known = found = true;
        v->last.value = now;
        on = one(context, &c);
    }
    return found ? SEARCH_FOUND : SEARCH_NOTHING;
}

static enum search through_moving(struct timeline *t, struct moving *v, struct scan_span span, scan_change_fn *one,
                                  void *context, const char **wrong) {
    if (!timeline_go_step(t, span.from, wrong)) return SEARCH_WRONG;
    begin_seeing(&v->seeing, EVENT_SIGHTS | MSR_SIGHTS | FIELD_SIGHTS, NULL, 0);
    enum search found = scan_moving(v, span.to, one, context, wrong);
    end_seeing(&v->seeing);
    return found;
}

enum search scanning_moving(struct timeline *t, const struct scan_value *value, struct scan_span span,
                            struct scan_known *last, scan_change_fn *one, void *context, const char **wrong) {
    struct moving v = {.value = value, .seeing.t = t};
    enum search found = through_moving(t, &v, span, one, context, wrong);
    *last = v.last;
    return found;
}

enum search timeline_values_read(struct timeline *t, const struct scan_value *value, struct scan_span span,
                                 scan_change_fn *one, void *context, const char **wrong) {
    *wrong = NULL;
    struct onlookers who = timeline_send_away(t->m);
    enum search found = side_moving(t, value, span, one, context, wrong);
    timeline_set_onlookers(t->m, who);
    return found;
}

// The last change of a stretch, and how the value came to be there, if it was not at the beginning.
struct last_moving {
    struct change last, first;
    bool changed, appeared;
};

static bool keep_moving(void *context, const struct change *c) {
    struct last_moving *l = context;
    if (c->appears)
        l->first = *c;
    else
        l->last = *c;
    l->appeared |= c->appears;
    l->changed |= !c->appears;
    return true;
}

// The last stretches first. What appeared in one may be another value than what was there before: known further back.
static enum search last_moving(struct timeline *t, const struct scan_value *value, struct scan_span span,
                               struct change *out, const char **wrong) {
    enum { FIRST_STRETCH = 1000, GROWTH = 10 };
    bool pending = false;
    uint64_t to = span.to;
    for (uint64_t stretch = FIRST_STRETCH; to > span.from; stretch *= GROWTH) {
        struct moving v = {.value = value, .seeing.t = t};
        struct last_moving l = {.changed = false};
        uint64_t left = to - span.from, from = to - (stretch < left ? stretch : left);
        if (through_moving(t, &v, (struct scan_span){from, to}, keep_moving, &l, wrong) == SEARCH_WRONG)
            return SEARCH_WRONG;
        if (pending && v.last.known && v.last.value != out->now) {
            out->appears = false;
            out->old = v.last.value;
            return SEARCH_FOUND;
        }
        if (l.changed || l.appeared) *out = l.changed ? l.last : l.first;
        if (l.changed) return SEARCH_FOUND;
        pending = l.appeared || (pending && !v.last.known);
        to = from;
    }
    return pending ? SEARCH_FOUND : SEARCH_NOTHING;
}

enum search timeline_changed_read(struct timeline *t, const struct scan_value *value, struct change *out,
                                  const char **wrong) {
    struct timeline_facts f;
    timeline_facts(t, &f);
    struct scan_span span = {f.first.steps, machine_steps(t->m)};
    *wrong = NULL;
    *out = (struct change){0};
    struct onlookers who = timeline_send_away(t->m);
    enum search found = last_moving(t, value, span, out, wrong);
    timeline_set_onlookers(t->m, who);
    return found;
}
