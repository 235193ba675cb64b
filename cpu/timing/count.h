// What a timing model counts (cpu/timing/count.def).
#ifndef CPU_TIMING_COUNT_H
#define CPU_TIMING_COUNT_H
#include <stdint.h>

enum timing_count {
#define CYCLES(name, text) CYCLES_##name,
#define OCCURRED(name, text)
#include "cpu/timing/count.def"
#undef CYCLES
#undef OCCURRED
    CYCLES_KINDS,
    TIMING_BEFORE = CYCLES_KINDS - 1,
#define CYCLES(name, text)
#define OCCURRED(name, text) TIMING_##name,
#include "cpu/timing/count.def"
#undef CYCLES
#undef OCCURRED
    TIMING_COUNTS,
};

struct timing_counts {
    uint64_t of[TIMING_COUNTS];
};

// By the level that ran: an exit is its guest's, and so is an entry. By the reason of the VM exit that level 0 worked
// on, from the exit until it entered a guest again, that of level 1 and that of deeper ones.
enum { TIMING_LEVELS = 9, TIMING_REASONS = 80 };
struct timing_reason {
    uint64_t cycles[CYCLES_KINDS], count;
};
struct timing_account {
    struct timing_counts level[TIMING_LEVELS];
    struct timing_reason reason[2][TIMING_REASONS]; // of level 1; of others
    uint64_t running;                               // level
    uint64_t left;                                  // 1 + the index of the reason that is worked on; 0: none
    uint64_t since[CYCLES_KINDS];                   // level 0's cycles when that began
};
struct timing_counts timing_account_all(const struct timing_account *account);
uint64_t timing_cycles(const uint64_t *cycles); // of all kinds

// NULL past the last one.
const char *timing_count_text(unsigned count);

#endif
