// Checkpoints, and the way between them; see timeline.h and docs/internals/timeline.md.
//
// Interval i lies between checkpoints i and i + 1; its list has the pages that the span changed. For intervals before
// `base`, the checkpoint from which the machine came to its present state, the list has the pages as they were at the
// interval's beginning, for those from `base` on as they will be at its end: moving over an interval swaps its list
// with the memory. `present` has the pages that changed since `base`, as they were there.
#include "devices/history/timeline.h"
#include "cpu/processor/observing.h"
#include "devices/snapshot/machine_image.h"
#include "devices/history/input_list.h"
#include "devices/history/page_list.h"
#include "devices/machine/machine_private.h"
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_STEPS = 1 << 20,     // between looks whether a checkpoint is due
    LONGEST_STEPS = 100000000, // between two checkpoints
    PAGE_STEPS = 1200,      // what copying a page costs, in steps: with the slow store that tells of it, and the memory
    IMAGE_PAGES = 100,      // what a checkpoint costs without pages, in pages
    SHARE = 50,             // one part in so many of the steps may be spent on checkpoints
    DENSE_STEPS = 10000000, // between checkpoints that are added on the way to a moment of the past
    NEAR_STEPS = 1000000,   // and before that moment
    STANDSTILLS = 8,        // runs without progress before a replay counts as lost
};

struct checkpoint {
    struct position at;
    uint8_t *image;
    size_t inputs; // that were taken before
    struct page_list pages;
};

struct timeline {
    struct machine *m;
    struct pages *pages;
    struct page_watcher watcher;
    struct checkpoint *checkpoint;
    unsigned count, capacity, base;
    struct page_list present;
    struct input_list inputs;
    size_t next;           // of the inputs: what the replay is given next
    size_t forgotten;      // inputs that were taken before the first of the list
    struct position last;  // expected: where what is known ends
    struct input_log also; // who else is told what was taken
    uint64_t budget;
    size_t image_bytes;
    bool in_past;
    bool expecting; // what comes after the last checkpoint is known by its inputs, up to `last`
    bool swapping, failed;
};

// --- what the machine tells ---

static void page_changes(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    struct timeline *t = context;
    if (t->swapping || t->failed) return;
    t->failed = !page_list_add(&t->present, (uint32_t)(area - t->pages->area), page, old);
}

static void took(void *context, const struct input *input) {
    struct timeline *t = context;
    input_list_add(&t->inputs, input);
    if (t->also.took) t->also.took(t->also.context, input);
}

static const struct input *next(void *context) {
    struct timeline *t = context;
    return t->next < t->inputs.count ? &t->inputs.input[t->next++] : NULL;
}

static bool keeps(const struct timeline *t) { return t->budget != 0; }
static bool replaying(const struct timeline *t) { return t->in_past || t->expecting; }

// Inputs that a replay has taken.
static size_t taken(const struct timeline *t) {
    return replaying(t) ? t->next - (t->m->replay != NULL) : t->inputs.count;
}

static void replay_from(struct timeline *t, size_t inputs) {
    t->next = inputs;
    machine_set_log(t->m, &(struct input_log){.context = t, .next = next});
}

static void go_into_past(struct timeline *t, size_t inputs) {
    replay_from(t, inputs);
    t->in_past = true;
}

// At the last checkpoint, or behind it: `inputs` were taken.
static void go_live(struct timeline *t, size_t inputs) {
    if (t->expecting)
        replay_from(t, inputs);
    else
        machine_set_log(t->m, &(struct input_log){.context = t, .took = took});
    t->in_past = false;
}

// --- room ---

static uint64_t bytes_used(const struct timeline *t) {
    uint64_t bytes = t->present.bytes + t->inputs.bytes + t->count * (uint64_t)t->image_bytes;
    for (unsigned i = 0; i < t->count; i++) bytes += t->checkpoint[i].pages.bytes;
    return bytes;
}

static void checkpoint_free(struct checkpoint *c) {
    free(c->image);
    page_list_free(&c->pages);
}

static void close_gap(struct timeline *t, unsigned index) {
    t->count--;
    memmove(&t->checkpoint[index], &t->checkpoint[index + 1], (t->count - index) * sizeof *t->checkpoint);
    if (t->base > index) t->base--;
}

// Two intervals become one. Neither the first, the last, nor the base.
static bool give_up(struct timeline *t, unsigned index) {
    struct page_list *before = &t->checkpoint[index - 1].pages, *after = &t->checkpoint[index].pages;
    bool forward = index > t->base;
    if (!page_list_merge(forward ? after : before, forward ? before : after)) return false;
    if (forward) *before = *after;
    *after = (struct page_list){0};
    checkpoint_free(&t->checkpoint[index]);
    close_gap(t, index);
    return true;
}

// The checkpoint whose two intervals are the shortest together; 0: none can go.
static unsigned dispensable(const struct timeline *t) {
    unsigned best = 0;
    uint64_t shortest = ~0ull;
    for (unsigned i = 1; i + 1 < t->count; i++) {
        uint64_t span = t->checkpoint[i + 1].at.steps - t->checkpoint[i - 1].at.steps;
        if (i == t->base || span >= shortest) continue;
        best = i, shortest = span;
    }
    return best;
}

// Checkpoints are given up evenly; when too few would be left, the past begins later.
static void make_room(struct timeline *t) {
    enum { FEWEST = 8 };
    while (bytes_used(t) > t->budget && t->count > 2) {
        unsigned index = t->count > FEWEST ? dispensable(t) : 0;
        if (index && give_up(t, index)) continue;
        if (t->base == 0) return;
        checkpoint_free(&t->checkpoint[0]);
        close_gap(t, 0);
    }
}

// --- checkpoints ---

static bool grow(struct timeline *t) {
    if (t->count < t->capacity) return true;
    unsigned capacity = t->capacity ? 2 * t->capacity : 64;
    struct checkpoint *all = realloc(t->checkpoint, capacity * sizeof *all);
    if (!all) return false;
    t->checkpoint = all;
    t->capacity = capacity;
    return true;
}

// A follower or a timing model that has come or gone since makes other images: no checkpoint fits any more.
static bool fits(const struct timeline *t) { return machine_image_size(t->m) == t->image_bytes; }

// The present becomes the checkpoint after `base`, and the new base. What lay behind it is now behind the new one.
static bool checkpoint_here(struct timeline *t) {
    struct checkpoint c = {.inputs = taken(t)};
    unsigned at = t->count ? t->base + 1 : 0;
    machine_position(t->m, &c.at);
    if (!t->count) t->image_bytes = machine_image_size(t->m);
    if (!fits(t) || !grow(t) || !(c.image = malloc(t->image_bytes))) return false;
    machine_image_save(t->m, c.image);
    if (at) {
        c.pages = t->checkpoint[t->base].pages;
        t->checkpoint[t->base].pages = t->present;
        t->present = (struct page_list){0};
    }
    memmove(&t->checkpoint[at + 1], &t->checkpoint[at], (t->count - at) * sizeof c);
    t->checkpoint[at] = c;
    t->count++;
    t->base = at;
    pages_mark(t->pages, &t->watcher);
    make_room(t);
    return true;
}

bool timeline_keep(struct timeline *t) { return !t->failed && checkpoint_here(t); }

static void forget(struct timeline *t) {
    for (unsigned i = 0; i < t->count; i++) checkpoint_free(&t->checkpoint[i]);
    page_list_free(&t->present);
    t->count = t->base = 0;
    t->failed = t->inputs.failed = false;
    if (t->expecting) return;
    t->forgotten += t->inputs.count;
    input_list_cut(&t->inputs, 0);
}

// When memory was short, something is missing: the past begins anew.
static void look_after_failure(struct timeline *t) {
    if (!t->failed && !t->inputs.failed) return;
    size_t inputs = taken(t);
    forget(t);
    go_live(t, inputs);
    t->failed = keeps(t) && !checkpoint_here(t);
}

static bool due(const struct timeline *t) {
    if (!keeps(t)) return false;
    uint64_t since = machine_steps(t->m) - t->checkpoint[t->base].at.steps;
    uint64_t cost = (t->present.count + IMAGE_PAGES) * (uint64_t)PAGE_STEPS * SHARE;
    return since >= LONGEST_STEPS || since >= cost;
}

struct timeline *timeline_new(struct machine *m, uint64_t bytes) {
    struct timeline *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->m = m;
    t->pages = machine_pages(m);
    t->budget = bytes;
    t->watcher = (struct page_watcher){.context = t, .before_first_store = page_changes};
    if (keeps(t) && !pages_watch(t->pages, &t->watcher)) {
        free(t);
        return NULL;
    }
    go_live(t, 0);
    if (!keeps(t) || checkpoint_here(t)) return t;
    timeline_free(t);
    return NULL;
}

void timeline_tell(struct timeline *t, const struct input_log *log) { t->also = *log; }

bool timeline_expect(struct timeline *t, const struct input_list *inputs, const struct position *last) {
    for (size_t i = 0; i < inputs->count; i++) input_list_add(&t->inputs, &inputs->input[i]);
    if (t->inputs.failed) return false;
    t->last = *last;
    t->expecting = true;
    go_live(t, 0);
    return true;
}

void timeline_free(struct timeline *t) {
    if (!t) return;
    machine_set_log(t->m, NULL);
    if (keeps(t)) pages_unwatch(t->pages, &t->watcher);
    forget(t);
    input_list_free(&t->inputs);
    free(t->checkpoint);
    free(t);
}

// --- running ---

// The next checkpoint is reached: what changed since `base` is its interval's list.
static void cross(struct timeline *t) {
    struct checkpoint *c = &t->checkpoint[t->base];
    page_list_free(&c->pages);
    c->pages = t->present;
    t->present = (struct page_list){0};
    t->base++;
    pages_mark(t->pages, &t->watcher);
    if (t->base + 1 == t->count) go_live(t, taken(t));
}

static bool is_before(const struct position *a, const struct position *b) {
    return !b || position_compare(a, b) == POSITION_BEHIND;
}

// In the past: up to the next checkpoint at most. With no more to replay, the present is the end. What was expected:
// up to the last position. Inputs are gone to one by one: taking one may change which position of its boundary it is.
static enum machine_stop replay(struct timeline *t, uint64_t steps, const struct position *goal) {
    const struct checkpoint *c = t->in_past ? &t->checkpoint[t->base + 1] : NULL;
    bool input = t->m->replay && (!c || taken(t) < c->inputs), last = c && t->base + 2 == t->count;
    struct position mark = input ? t->m->replay->at : c ? c->at : t->last;
    bool to_mark = is_before(&mark, goal);
    uint64_t idle_limit = t->m->idle_limit, begin = machine_steps(t->m);
    t->m->idle_limit = ~0ull;
    t->m->goal = to_mark ? &mark : goal;
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

static enum machine_stop advance(struct timeline *t, uint64_t steps, const struct position *goal) {
    if (t->in_past) return replay(t, steps, goal);
    uint64_t chunk = steps < CHUNK_STEPS ? steps : CHUNK_STEPS;
    enum machine_stop why = t->expecting ? replay(t, chunk, goal) : live(t, chunk, goal);
    look_after_failure(t);
    if (why == MACHINE_STEPS && due(t)) t->failed |= !checkpoint_here(t);
    return why;
}

// What tells that a run has come on, in idle time as well.
struct standing {
    struct position at;
    unsigned base;
    size_t taken;
};
static struct standing stand(const struct timeline *t) {
    struct standing now = {.base = t->base, .taken = taken(t)};
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
        why = advance(t, until - machine_steps(t->m), NULL);
        if ((was_past && !t->in_past) || still_stands(t, &before)) break;
    } while (why == MACHINE_STEPS && machine_steps(t->m) < until);
    return why;
}

// As advance. Counts the runs after which the machine still stands where it stood.
static enum machine_stop advance_on(struct timeline *t, uint64_t steps, const struct position *goal, unsigned *still) {
    struct standing before = stand(t);
    enum machine_stop why = advance(t, steps, goal);
    *still = still_stands(t, &before) ? *still + 1 : 0;
    return why;
}

enum machine_stop timeline_run_to(struct timeline *t, const struct position *goal) {
    unsigned still = 0;
    enum machine_stop why = MACHINE_STEPS;
    while (why == MACHINE_STEPS && position_order(t->m, goal) == POSITION_AHEAD && still < STANDSTILLS)
        why = advance_on(t, ~0ull, goal, &still);
    return why;
}

// --- going ---

// Memory as it was at a checkpoint.
static bool move_memory(struct timeline *t, unsigned index) {
    if (!page_list_swap(&t->present, t->pages)) return false;
    page_list_free(&t->present);
    while (t->base > index) {
        if (!page_list_swap(&t->checkpoint[t->base - 1].pages, t->pages)) return false;
        t->base--;
    }
    while (t->base < index) {
        if (!page_list_swap(&t->checkpoint[t->base].pages, t->pages)) return false;
        t->base++;
    }
    return true;
}

static bool restore(struct timeline *t, unsigned index, const char **wrong) {
    if (!fits(t)) {
        *wrong = "its followers";
        return false;
    }
    t->swapping = true;
    bool moved = move_memory(t, index);
    t->swapping = false;
    *wrong = moved ? machine_image_load(t->m, t->checkpoint[t->base].image) : "memory";
    pages_mark(t->pages, &t->watcher);
    if (t->base + 1 == t->count)
        go_live(t, t->checkpoint[t->base].inputs);
    else
        go_into_past(t, t->checkpoint[t->base].inputs);
    return !*wrong;
}

// Of what is known, once the end was left.
static const struct position *end_of(const struct timeline *t) {
    return t->expecting ? &t->last : &t->checkpoint[t->count - 1].at;
}

// The end is kept as a checkpoint, so that one can come back to it.
static bool leave_the_end(struct timeline *t, const char **wrong) {
    struct position now;
    look_after_failure(t);
    machine_position(t->m, &now);
    *wrong = t->failed ? "memory" : !keeps(t) ? "nothing is kept" : NULL;
    if (*wrong) return false;
    if (t->in_past) return true;
    const struct checkpoint *last = &t->checkpoint[t->base];
    bool there = position_same(&now, &last->at) && last->inputs == taken(t);
    if (there || checkpoint_here(t)) return true;
    *wrong = "memory";
    return false;
}

// Nobody looks on while a way is gone that was gone before.
struct onlookers {
    struct observer *observers;
    struct point *points;
};
static void set_onlookers(struct machine *m, struct onlookers who) {
    m->observers = who.observers;
    m->points = who.points;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        cpu_observe(m->cpu[i], m->observers);
        cpu_set_points(m->cpu[i], m->points);
    }
}
static struct onlookers send_away(struct machine *m) {
    struct onlookers who = {m->observers, m->points};
    set_onlookers(m, (struct onlookers){NULL, NULL});
    return who;
}

// On the way a checkpoint is left now and then, and one before the goal: a person who goes back goes back again.
static void leave_checkpoint(struct timeline *t, uint64_t goal) {
    uint64_t now = machine_steps(t->m), since = now - t->checkpoint[t->base].at.steps;
    bool room = bytes_used(t) + t->present.bytes + t->image_bytes < t->budget; // no past is given up for it
    if (!t->in_past || !room || since < NEAR_STEPS / 2) return;
    if (since >= DENSE_STEPS || goal - now <= NEAR_STEPS) (void)checkpoint_here(t); // it can do without
}

// How far to go at once towards a step.
static uint64_t stride(const struct timeline *t, uint64_t goal) {
    uint64_t now = machine_steps(t->m), left = goal - now;
    if (!t->in_past) return left;
    if (left > NEAR_STEPS && left - NEAR_STEPS < DENSE_STEPS) return left - NEAR_STEPS;
    return left < DENSE_STEPS ? left : DENSE_STEPS;
}

static bool ends_the_way(enum machine_stop why, const char **wrong) {
    if (why != MACHINE_INTERRUPTED && why != MACHINE_LOST) return false;
    *wrong = why == MACHINE_LOST ? "the inputs" : "interrupted";
    return true;
}

// Forward in the past to the first position at a step. False: interrupted, or it does not come.
static bool walk(struct timeline *t, uint64_t step, const char **wrong) {
    unsigned still = 0;
    while (machine_steps(t->m) < step && still < STANDSTILLS) {
        enum machine_stop why = advance_on(t, stride(t, step), NULL, &still);
        if (ends_the_way(why, wrong)) return false;
        if (machine_steps(t->m) < step) leave_checkpoint(t, step);
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
    if (replaying(t) && now < step && now >= t->checkpoint[i].at.steps) return true;
    return restore(t, i, wrong);
}

bool timeline_go_step(struct timeline *t, uint64_t step, const char **wrong) {
    if (!leave_the_end(t, wrong)) return false;
    if (step < t->checkpoint[0].at.steps || step > end_of(t)->steps) return false;
    struct onlookers who = send_away(t->m);
    bool gone = come_near(t, step, wrong) && walk(t, step, wrong);
    set_onlookers(t->m, who);
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
        if (ends_the_way(advance_on(t, ~0ull, p, &still), wrong)) return false;
    if (position_order(t->m, p) == POSITION_HERE) return true;
    *wrong = "the replay";
    return false;
}

static bool lies_within(const struct timeline *t, const struct position *p) {
    return position_compare(p, &t->checkpoint[0].at) != POSITION_BEHIND &&
           position_compare(p, end_of(t)) != POSITION_AHEAD;
}

bool timeline_go(struct timeline *t, const struct position *p, const char **wrong) {
    if (!leave_the_end(t, wrong)) return false;
    unsigned exactly = checkpoint_at(t, p);
    if (exactly < t->count) return restore(t, exactly, wrong);
    if (!lies_within(t, p)) return false;
    struct onlookers who = send_away(t->m);
    bool gone = come_near(t, p->steps, wrong) && walk_to(t, p, wrong);
    set_onlookers(t->m, who);
    return gone;
}

bool timeline_go_checkpoint(struct timeline *t, unsigned index, const char **wrong) {
    return leave_the_end(t, wrong) && index < t->count && restore(t, index, wrong);
}

void timeline_branch(struct timeline *t) {
    if (!replaying(t)) return;
    size_t inputs = taken(t);
    while (t->count > t->base + 1) checkpoint_free(&t->checkpoint[--t->count]);
    if (t->count) page_list_free(&t->checkpoint[t->base].pages);
    input_list_cut(&t->inputs, inputs);
    t->expecting = false;
    go_live(t, inputs);
}

// --- facts ---

bool timeline_in_past(const struct timeline *t) { return t->in_past; }
bool timeline_expects(const struct timeline *t) { return t->expecting; }

bool timeline_at_last(const struct timeline *t) {
    return t->expecting && !t->in_past && !t->m->replay && position_order(t->m, &t->last) != POSITION_AHEAD;
}

void timeline_facts(const struct timeline *t, struct timeline_facts *out) {
    *out = (struct timeline_facts){
        .in_past = t->in_past, .checkpoints = t->count, .bytes = bytes_used(t), .inputs = t->inputs.count};
    out->taken = t->forgotten + taken(t);
    machine_position(t->m, &out->end);
    out->first = t->count ? t->checkpoint[0].at : out->end; // none: the host is short of memory
    if (replaying(t)) out->end = *end_of(t);
}

bool timeline_checkpoint(const struct timeline *t, unsigned index, struct position *out) {
    if (index < t->count) *out = t->checkpoint[index].at;
    return index < t->count;
}
