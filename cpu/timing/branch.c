// See branch.h.
#include "cpu/timing/branch.h"
#include "cpu/state/outcome.h"

static uint64_t mix(uint64_t x) {
    x *= 0x9e3779b97f4a7c15;
    return x ^ x >> 29;
}

// --- directions ---

struct place {
    uint16_t *entry;
    uint16_t tag;
};

static struct place place_of(struct branch_model *b, unsigned table, uint64_t rip) {
    static const uint8_t lengths[TAGGED_TABLES] = {8, 20, 48};
    uint64_t hash = mix(rip ^ mix(b->history & ((1ull << lengths[table]) - 1)) * (2 * table + 3));
    return (struct place){&b->tagged[table * TAGGED_ENTRIES + (hash >> 40) % TAGGED_ENTRIES],
                          (uint16_t)((hash & 0x1fff) | 1)};
}

static bool matches(const struct place *p) { return *p->entry >> 3 == p->tag; }

static void count(uint16_t *entry, bool taken) {
    unsigned counter = *entry & 7;
    if (taken && counter < 7) ++*entry;
    if (!taken && counter > 0) --*entry;
}

static bool direction_pass(struct branch_model *b, uint64_t rip, bool taken) {
    uint8_t *base = &b->base[mix(rip) >> 40 & (BASE_COUNTERS - 1)];
    struct place place[TAGGED_TABLES];
    int provider = -1;
    for (int i = 0; i < TAGGED_TABLES; i++) {
        place[i] = place_of(b, (unsigned)i, rip);
        if (matches(&place[i])) provider = i;
    }
    bool predicted = provider >= 0 ? (*place[provider].entry & 7) >= 4 : *base >= 2;
    if (provider >= 0)
        count(place[provider].entry, taken);
    else if (taken ? *base < 3 : *base > 0)
        *base = (uint8_t)(taken ? *base + 1 : *base - 1);
    if (predicted != taken && provider + 1 < TAGGED_TABLES)
        *place[provider + 1].entry = (uint16_t)(place[provider + 1].tag << 3 | (taken ? 4 : 3));
    b->history = b->history << 1 | taken;
    return predicted != taken;
}

// --- targets ---

static bool target_pass(struct branch_model *b, uint64_t rip, uint64_t to) {
    uint32_t *target = &b->target[mix(rip ^ mix(b->history & 0xffff)) >> 40 & (TARGETS - 1)];
    bool wrong = *target != (uint32_t)to;
    *target = (uint32_t)to;
    b->history = b->history << 2 ^ (to >> 2 & 0xf);
    return wrong;
}

static bool return_pass(struct branch_model *b, uint64_t to) { return b->returns[b->top-- % RETURN_STACK] != to; }

bool branch_pass(struct branch_model *b, struct timing_counts *counts, enum recipe_branch kind, uint64_t rip,
                 unsigned length, uint64_t to) {
    bool wrong = false;
    counts->of[TIMING_BRANCHES]++;
    if (kind == BRANCH_CALL || kind == BRANCH_CALL_INDIRECT) b->returns[++b->top % RETURN_STACK] = rip + length;
    switch (kind) {
    case BRANCH_CONDITIONAL: wrong = direction_pass(b, rip, to != rip + length); break;
    case BRANCH_RETURN: wrong = return_pass(b, to); break;
    case BRANCH_INDIRECT:
    case BRANCH_CALL_INDIRECT: wrong = target_pass(b, rip, to); break;
    default: break;
    }
    counts->of[TIMING_MISPREDICTED] += wrong;
    return wrong;
}
