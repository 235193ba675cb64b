// Stores on their way to the cache, and loads of what they have: forwarded, renamed, or blocked until the store has
// left.
#include "cpu/pipeline/scoreboard.h"

// What memory renaming knows an address by: base register and how often it was written; 0: it does not.
static uint64_t renaming_key(const struct pipeline *p, const struct recipe *r) {
    if (r->kind & (RECIPE_VECTOR | RECIPE_STRING) || r->index != TIMED_NONE) return 0;
    uint8_t base = r->kind & (RECIPE_PUSH | RECIPE_POP) ? 4 : r->base;
    if (base == TIMED_NONE) return 1;
    return (uint64_t)p->version[base] << 5 | (uint64_t)base << 1 | 1;
}

// The load needs the bytes of this store and of memory, and begins where the store does.
static bool narrow(struct pipeline *p, const struct recipe *r, const struct memory_answer *memory,
                   const struct granule *g, uint64_t at) {
    if (memory->linear != g->linear || memory->address != g->address || g->below > at) return false;
    const struct granule *end = granule_of(p, memory->address + r->bytes - 1u);
    return end->linear == g->linear || !granule_overlaps(end, memory->address, r->bytes) || end->commit <= at;
}

// When a load that began at `at` ends to which a store could not be forwarded. Behind one that is only narrower it
// takes its time from the data, and retirement goes on meanwhile; otherwise it waits until the store has left.
static uint64_t blocked(const struct core *core, const struct granule *g, uint64_t result, bool only_narrow,
                        uint64_t *early) {
    if (!only_narrow || !core->narrow_cycles) return later(result, g->commit + core->blocked_commit_cycles);
    uint64_t arrived = later(result, g->ready + core->narrow_cycles);
    *early = arrived - result;
    return arrived;
}

uint64_t forward_result(struct pipeline *p, const struct core *core, const struct recipe *r,
                        const struct memory_answer *memory, const struct granule *g, uint64_t at, uint64_t *early) {
    uint64_t result = at + load_latency(core, r, core->l1_cycles) + memory->latency;
    bool within = memory->address >= g->address && memory->address + r->bytes <= g->address + g->bytes;
    if (!within) return blocked(core, g, result, narrow(p, r, memory, g, at), early);
    uint64_t key = core->renames_memory ? renaming_key(p, r) : 0;
    if (key && key == g->key && memory->address == g->address && r->bytes == g->bytes && !(r->kind & RECIPE_EXTENDS))
        return g->ready;
    return later(result, g->ready + load_latency(core, r, core->forward_cycles));
}

void forward_commit(struct pipeline *p, const struct recipe *r, const struct memory_answer *memory, uint64_t ready) {
    uint64_t line = memory->address >> 6;
    bool second = line == p->commit_line && !p->commit_paired;
    uint64_t cycle = later(slot_cycle(p->retire) + 1, p->committed + !second);
    p->commit_paired = second && cycle == p->committed;
    cycle += memory->crosses_line ? 1 : 0;
    p->committed = cycle;
    p->commit_line = line;
    p->stores[p->store++ % PIPELINE_STORES] = cycle;
    struct granule *first = granule_of(p, memory->address);
    bool part = granule_overlaps(first, memory->address, r->bytes) && r->bytes <= first->bytes;
    uint64_t below = !part ? 0 : r->bytes < first->bytes ? first->commit : first->below;
    *first = (struct granule){memory->address, ready, cycle, renaming_key(p, r), r->bytes, memory->linear, below};
    if ((memory->address & 7) + r->bytes > 8) *granule_of(p, memory->address + r->bytes - 1u) = *first;
}
