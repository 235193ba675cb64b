// What a model has counted, put together; and VM exits by their reasons.
#include "cpu/timing/account.h"

struct timing_counts timing_account_all(const struct timing_account *account) {
    struct timing_counts all = {{0}};
    for (unsigned level = 0; level < TIMING_LEVELS; level++)
        for (unsigned i = 0; i < TIMING_COUNTS; i++) all.of[i] += account->level[level].of[i];
    return all;
}

uint64_t timing_cycles(const uint64_t *cycles) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < CYCLES_KINDS; i++) sum += cycles[i];
    return sum;
}

static struct timing_reason *reason_of(struct timing_account *a) {
    return a->left ? &a->reason[0][0] + (a->left - 1) : NULL;
}

void account_exit(struct timing_account *a, unsigned level, unsigned reason, uint64_t took) {
    a->left = 1 + (level > 1 ? TIMING_REASONS : 0) + (reason < TIMING_REASONS ? reason : TIMING_REASONS - 1u);
    a->running = 0;
    memcpy(a->since, a->level[0].of, sizeof a->since);
    reason_of(a)->cycles[CYCLES_EXITS] += took;
    reason_of(a)->count++;
}

void account_entry(struct timing_account *a, uint64_t took) {
    struct timing_reason *reason = reason_of(a);
    a->left = 0;
    if (!reason) return;
    for (unsigned i = 0; i < CYCLES_KINDS; i++) reason->cycles[i] += a->level[0].of[i] - a->since[i];
    reason->cycles[CYCLES_ENTRIES] += took;
}

const char *timing_count_text(unsigned count) {
    static const char *const texts[TIMING_COUNTS] = {
#define CYCLES(name, text) [CYCLES_##name] = text,
#define OCCURRED(name, text) [TIMING_##name] = text,
#include "cpu/timing/count.def"
#undef CYCLES
#undef OCCURRED
    };
    return count < TIMING_COUNTS ? texts[count] : NULL;
}
