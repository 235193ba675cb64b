// Branch prediction: directions by tables of tagged counters over longer and longer histories, targets by the branch
// and its history, returns by a stack.
#ifndef CPU_TIMING_BRANCH_H
#define CPU_TIMING_BRANCH_H
#include "cpu/timing/count.h"
#include "cpu/pipeline/recipe.h"

enum { BASE_COUNTERS = 16384, TAGGED_TABLES = 3, TAGGED_ENTRIES = 4096, TARGETS = 4096, RETURN_STACK = 32 };

struct branch_model {
    uint8_t base[BASE_COUNTERS];                     // 0 to 3: not taken to taken
    uint16_t tagged[TAGGED_TABLES * TAGGED_ENTRIES]; // tag << 3 | counter, 0 to 7
    uint32_t target[TARGETS];                        // of indirect branches
    uint64_t returns[RETURN_STACK];
    uint64_t top, history;
};

// The branch at `rip` of `length` bytes went to `to`. True: it was predicted wrongly.
bool branch_pass(struct branch_model *b, struct timing_counts *counts, enum recipe_branch kind, uint64_t rip,
                 unsigned length, uint64_t to);

#endif
