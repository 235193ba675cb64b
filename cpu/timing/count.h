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

// NULL past the last one.
const char *timing_count_text(unsigned count);

#endif
