// Going to a moment of the past; see timeline.h.
#include "devices/history/timeline_private.h"
#include "cpu/processor/observing.h"
#include "devices/snapshot/machine_image.h"
#include <stdlib.h>

// Memory as it was at a checkpoint: what changed since `base`, and then the intervals up to it.
static bool move_memory(struct timeline *t, unsigned index) {
    unsigned count = 1 + (t->base > index ? t->base - index : index - t->base), n = 0;
    struct page_list **list = malloc(count * sizeof *list);
    if (!list) return false;
    list[n++] = &t->present;
    for (unsigned i = t->base; i > index; i--) list[n++] = &t->checkpoint[i - 1].pages;
    for (unsigned i = t->base; i < index; i++) list[n++] = &t->checkpoint[i].pages;
    bool moved = page_lists_move(list, count, t->pages);
    if (moved) t->base = index;
    free(list);
    return moved;
}

static bool restore(struct timeline *t, unsigned index, const char **wrong) {
    const uint8_t *image = checkpoint_image(t, index);
    if (!timeline_fits(t) || !image) {
        *wrong = image ? "its followers" : "memory";
        return false;
    }
    t->swapping = true;
    bool moved = move_memory(t, index);
    t->swapping = false;
    *wrong = moved ? machine_image_load(t->m, image) : "memory";
    pages_mark(t->pages, &t->watcher);
    if (t->base + 1 == t->count)
        timeline_go_live(t, t->checkpoint[t->base].inputs);
    else
        timeline_go_into_past(t, t->checkpoint[t->base].inputs);
    return !*wrong;
}

// Of what is known, once the end was left.
const struct position *timeline_end(const struct timeline *t) {
    return t->expecting ? &t->last : &t->checkpoint[t->count - 1].at;
}

bool timeline_undo(struct timeline *t, const char **wrong) {
    *wrong = t->failed ? "memory" : NULL;
    return !t->failed && restore(t, t->base, wrong);
}

// The end is kept as a checkpoint, so that one can come back to it.
static bool leave_the_end(struct timeline *t, const char **wrong) {
    struct position now;
    timeline_look_after_failure(t);
    machine_position(t->m, &now);
    *wrong = t->failed ? "memory" : !timeline_keeps(t) ? "nothing is kept" : NULL;
    if (*wrong) return false;
    if (t->in_past) return true;
    const struct checkpoint *last = &t->checkpoint[t->base];
    bool there = position_same(&now, &last->at) && last->inputs == timeline_inputs_taken(t);
    if (there || timeline_checkpoint_here(t)) return true;
    *wrong = "memory";
    return false;
}

void timeline_set_onlookers(struct machine *m, struct onlookers who) {
    m->observers = who.observers;
    m->points = who.points;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        cpu_observe(m->cpu[i], m->observers);
        cpu_set_points(m->cpu[i], m->points);
    }
}
// But for those that follow, which are the last of each list.
struct onlookers timeline_send_away(struct machine *m) {
    struct onlookers who = {m->observers, m->points}, stay = who;
    while (stay.observers && !stay.observers->follows) stay.observers = stay.observers->next;
    while (stay.points && !stay.points->follows) stay.points = stay.points->next;
    timeline_set_onlookers(m, stay);
    return who;
}

// On the way a checkpoint is left now and then, and one before the goal: a person who goes back goes back again.
void timeline_leave_checkpoint(struct timeline *t, uint64_t goal) {
    uint64_t now = machine_steps(t->m), since = now - t->checkpoint[t->base].at.steps;
    if (!t->in_past || since < NEAR_STEPS / 2) return;
    bool wanted = since >= DENSE_STEPS || goal - now <= NEAR_STEPS;
    if (wanted && timeline_has_room_on_the_way(t)) (void)timeline_checkpoint_here(t); // it can do without
}

// How far to go at once towards a step.
static uint64_t stride(const struct timeline *t, uint64_t goal) {
    uint64_t now = machine_steps(t->m), left = goal - now;
    if (!t->in_past) return left;
    if (left > NEAR_STEPS && left - NEAR_STEPS < DENSE_STEPS) return left - NEAR_STEPS;
    return left < DENSE_STEPS ? left : DENSE_STEPS;
}

bool timeline_ends_the_way(enum machine_stop why, const char **wrong) {
    if (why != MACHINE_INTERRUPTED && !machine_stop_is_final(why)) return false;
    *wrong = why == MACHINE_LOST ? "the inputs" : why == MACHINE_HOST_ERROR ? "the host" : "interrupted";
    return true;
}

// Forward in the past to the first position at a step. False: interrupted, or it does not come.
static bool walk(struct timeline *t, uint64_t step, const char **wrong) {
    unsigned still = 0;
    while (machine_steps(t->m) < step && still < STANDSTILLS) {
        enum machine_stop why = timeline_advance_on(t, stride(t, step), NULL, &still);
        if (timeline_ends_the_way(why, wrong)) return false;
        if (machine_steps(t->m) < step) timeline_leave_checkpoint(t, step);
    }
    if (still < STANDSTILLS) return true;
    *wrong = "the replay";
    return false;
}

// The last checkpoint before a step; the first, when none is.
static unsigned checkpoint_before(const struct timeline *t, uint64_t step) {
    unsigned i = t->count - 1;
    while (i && t->checkpoint[i].at.steps >= step) i--;
    return i;
}

// To a place from which a step lies ahead: where the machine is, if that is nearer than any checkpoint.
static bool come_near(struct timeline *t, uint64_t step, const char **wrong) {
    unsigned i = checkpoint_before(t, step);
    uint64_t now = machine_steps(t->m);
    if (timeline_replaying(t) && now < step && now >= t->checkpoint[i].at.steps) return true;
    return restore(t, i, wrong);
}

bool timeline_go_step(struct timeline *t, uint64_t step, const char **wrong) {
    if (!leave_the_end(t, wrong)) return false;
    if (step < t->checkpoint[0].at.steps || step > timeline_end(t)->steps) return false;
    struct onlookers who = timeline_send_away(t->m);
    bool gone = come_near(t, step, wrong) && walk(t, step, wrong);
    timeline_set_onlookers(t->m, who);
    return gone;
}

// The last one there: with what was changed at that position. `count`: there is none.
static unsigned checkpoint_at(const struct timeline *t, const struct position *p) {
    for (unsigned i = t->count; i--;)
        if (position_same(&t->checkpoint[i].at, p)) return i;
    return t->count;
}

static bool walk_to(struct timeline *t, const struct position *p, const char **wrong) {
    if (machine_steps(t->m) < p->steps && !walk(t, p->steps, wrong)) return false;
    unsigned still = 0;
    while (position_order(t->m, p) == POSITION_AHEAD && still < STANDSTILLS)
        if (timeline_ends_the_way(timeline_advance_on(t, ~0ull, p, &still), wrong)) return false;
    if (position_order(t->m, p) == POSITION_HERE) return true;
    *wrong = "the replay";
    return false;
}

static bool lies_within(const struct timeline *t, const struct position *p) {
    return position_compare(p, &t->checkpoint[0].at) != POSITION_BEHIND &&
           position_compare(p, timeline_end(t)) != POSITION_AHEAD;
}

bool timeline_go(struct timeline *t, const struct position *p, const char **wrong) {
    if (!leave_the_end(t, wrong)) return false;
    unsigned exactly = checkpoint_at(t, p);
    if (exactly < t->count) return restore(t, exactly, wrong);
    if (!lies_within(t, p)) return false;
    struct onlookers who = timeline_send_away(t->m);
    bool gone = come_near(t, p->steps, wrong) && walk_to(t, p, wrong);
    timeline_set_onlookers(t->m, who);
    return gone;
}

bool timeline_go_checkpoint(struct timeline *t, unsigned index, const char **wrong) {
    return leave_the_end(t, wrong) && index < t->count && restore(t, index, wrong);
}
