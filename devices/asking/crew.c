// Searching side by side; see crew.h.
//
// A worker takes the next piece that nobody has. It goes there from where it is, or, where that is far, as a new
// machine from a checkpoint of the past that everybody shares and nobody changes meanwhile.
#include "devices/asking/crew.h"
#include "cpu/processor/observing.h"
#include <stdlib.h>

enum {
    PAST_SHARE = 4,        // what of the memory for the past all workers together may use for theirs
    PAST_LEAST = 16 << 20, // bytes, each at least
};

// --- a worker ---

static void let_go(struct crew_worker *w) {
    struct crew *crew = w->crew;
    if (w->twin.machine && crew->fire) crew->fire(crew->context, w);
    twin_free(&w->twin);
}

// While the machine runs, on its thread.
static void look(void *context) {
    struct crew_worker *w = context;
    struct crew *crew = w->crew;
    bool needless = crew->first_only && w->piece > __atomic_load_n(&crew->least, __ATOMIC_RELAXED);
    if (needless || __atomic_load_n(&crew->ends, __ATOMIC_RELAXED)) machine_stop_soon(w->twin.machine);
}

static bool make(struct crew_worker *w, uint64_t step) {
    struct crew *crew = w->crew;
    uint64_t bytes = crew->t->budget / PAST_SHARE / crew->workers;
    let_go(w);
    if (!twin_make(crew->t, step, bytes > PAST_LEAST ? bytes : PAST_LEAST, &w->twin)) return false;
    machine_set_look(w->twin.machine, look, w);
    if (!crew->hire || crew->hire(crew->context, w)) return true;
    twin_free(&w->twin);
    return false;
}

// Whether its machine goes to a step about as fast as a new one.
static bool is_near(const struct crew_worker *w, uint64_t step) {
    const struct timeline *t = w->crew->t;
    if (!w->twin.machine || w->twin.first > step) return false;
    uint64_t now = machine_steps(w->twin.machine), own = twin_begins(w->twin.timeline, step);
    if (now < step && now > own) own = now;
    return twin_begins(t, step) < own + t->side->worth_steps;
}

static enum search go_through(struct crew_worker *w, unsigned piece, const char **wrong) {
    struct crew *crew = w->crew;
    uint64_t from = crew->piece[piece].from;
    if (!is_near(w, from) && !make(w, from)) {
        *wrong = "memory";
        return SEARCH_WRONG;
    }
    w->piece = piece;
    machine_stop_forget(w->twin.machine);
    return crew->through(crew->context, w, piece, wrong);
}

static void note_found(struct crew *crew, unsigned piece) {
    unsigned least = __atomic_load_n(&crew->least, __ATOMIC_RELAXED);
    while (piece < least &&
           !__atomic_compare_exchange_n(&crew->least, &least, piece, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        continue;
}

static bool is_needless(const struct crew *crew, unsigned piece) {
    return crew->first_only && piece > __atomic_load_n(&crew->least, __ATOMIC_RELAXED);
}

static void work(void *of, unsigned index) {
    struct crew *crew = of;
    struct crew_worker *w = &crew->worker[index];
    unsigned piece;
    while ((piece = __atomic_fetch_add(&crew->next, 1, __ATOMIC_RELAXED)) < crew->pieces) {
        const char *wrong = NULL;
        if (is_needless(crew, piece) || __atomic_load_n(&crew->ends, __ATOMIC_RELAXED)) break;
        enum search found = go_through(w, piece, &wrong);
        crew->found[piece] = found;
        if (found == SEARCH_FOUND) note_found(crew, piece);
        const struct scan_span *span = &crew->piece[piece];
        __atomic_fetch_add(&crew->steps, span->to - span->from, __ATOMIC_RELAXED);
        if (found != SEARCH_WRONG || is_needless(crew, piece)) continue;
        __atomic_store_n(&crew->wrong, wrong, __ATOMIC_RELAXED);
        __atomic_store_n(&crew->ends, true, __ATOMIC_RELAXED);
    }
}

// --- all of them ---

static void end(void *of) {
    struct crew *crew = of;
    __atomic_store_n(&crew->ends, true, __ATOMIC_RELAXED);
}

static void progress(void *of, uint64_t *steps, uint64_t *most) {
    const struct crew *crew = of;
    *steps = __atomic_load_n(&crew->steps, __ATOMIC_RELAXED);
    *most = crew->most;
}

uint64_t crew_alone(const struct timeline *t, bool fast) {
    enum { SLOWER = 20 };
    if (!t->side || t->side->workers < 2) return ~0ull;
    return fast ? t->side->worth_steps : t->side->worth_steps / SLOWER;
}

bool crew_begin(struct crew *crew, struct timeline *t) {
    crew->t = t;
    crew->workers = t->side->workers;
    crew->worker = calloc(crew->workers, sizeof *crew->worker);
    crew->found = calloc(CREW_PIECES, sizeof *crew->found);
    for (unsigned i = 0; crew->worker && i < crew->workers; i++) crew->worker[i].crew = crew;
    return crew->worker && crew->found;
}

void crew_end(struct crew *crew) {
    for (unsigned i = 0; crew->worker && i < crew->workers; i++) let_go(&crew->worker[i]);
    free(crew->worker);
    free(crew->found);
    crew->worker = NULL;
    crew->found = NULL;
}

enum search crew_do(struct crew *crew, const struct scan_span *piece, unsigned pieces, const char **wrong) {
    const struct side_by_side *side = crew->t->side;
    const struct side_by_side_work job = {crew, work, end, progress};
    crew->piece = piece;
    crew->pieces = pieces;
    crew->next = 0;
    crew->least = ~0u;
    for (unsigned i = 0; i < pieces; i++) crew->found[i] = SEARCH_NOTHING;
    unsigned workers = pieces < crew->workers ? pieces : crew->workers;
    if (!side->run(side->context, workers, &job))
        *wrong = "threads";
    else if (crew->ends)
        *wrong = crew->wrong ? crew->wrong : "interrupted";
    if (*wrong) return SEARCH_WRONG;
    for (unsigned i = 0; i < pieces; i++)
        if (crew->found[i] == SEARCH_FOUND) return SEARCH_FOUND;
    return SEARCH_NOTHING;
}

// --- pieces ---

// The step behind the first checkpoint from a step on, or with `backwards` the last one up to it, within what is left;
// else its end. The way to that step begins at that checkpoint.
static uint64_t at_checkpoint(const struct timeline *t, const struct scan_span *left, bool backwards, uint64_t step) {
    uint64_t best = backwards ? left->from : left->to;
    for (const struct checkpoint *c = t->checkpoint; c < t->checkpoint + t->count; c++) {
        uint64_t at = c->at.steps + 1;
        if (backwards ? at <= step && at > best : at >= step && at < best) best = at;
    }
    return best;
}

unsigned crew_cut(const struct crew *crew, struct scan_span *span, const struct crew_cutting *how,
                  struct scan_span piece[CREW_PIECES]) {
    unsigned count = 0, most = 2 * crew->workers < CREW_PIECES ? 2 * crew->workers : CREW_PIECES;
    while (count < most && span->from < span->to) {
        uint64_t left = span->to - span->from, end = how->backwards ? span->from : span->to;
        uint64_t at = left <= how->steps ? end : how->backwards ? span->to - how->steps : span->from + how->steps;
        if (how->at_checkpoints && at != end) at = at_checkpoint(crew->t, span, how->backwards, at);
        piece[count++] = how->backwards ? (struct scan_span){at, span->to} : (struct scan_span){span->from, at};
        *(how->backwards ? &span->to : &span->from) = at;
    }
    return count;
}
