// The performance monitoring unit's registers and last-branch records: SDM Vol. 3B, chapters 18 and 19. What they do is in
// cpu/counters.
#ifndef CPU_PERFORMANCE_H
#define CPU_PERFORMANCE_H
#include "cpu/state/state.h"

enum performance_source {
#define PERFORMANCE(name, event, mask, most, text) COUNTS_##name,
#include "cpu/state/performance.def"
    PERFORMANCE_SOURCES,
    COUNTS_NOTHING = PERFORMANCE_SOURCES,
};

// Counters, as bits of IA32_PERF_GLOBAL_CTRL: 0 on are the programmable ones, 32 on those of fixed function.
enum { PROGRAMMABLE = 8, FIXED_FUNCTION = 3, COUNTERS = PROGRAMMABLE + FIXED_FUNCTION, COUNTER_BITS = 48, LAST_BRANCHES = 32 };

struct performance {
    // architectural: listed in performance_state
    uint64_t counter[COUNTERS]; // programmable ones, then those of fixed function, as they were when `seen`
    uint64_t select[PROGRAMMABLE], fixed_control, global_control, global_status;
    uint64_t seen[PERFORMANCE_SOURCES]; // what had been counted when the counters were brought up to date
    uint64_t user;                      // the CPL was above 0 since then
    uint64_t branches;                  // retired while somebody looked at each attempt
    uint64_t branch_control;            // IA32_LBR_CTL
    uint64_t branch_from[LAST_BRANCHES], branch_to[LAST_BRANCHES], branch_information[LAST_BRANCHES];
    uint64_t branch_cycle; // when the latest one was recorded
    // derived (performance_update)
    uint64_t quiet_steps, quiet_cycle; // before this step of the processor, and this cycle, no counter overflows
    bool on;      // a counter counts, at some privilege level
    bool filters; // one of them not at every privilege level
    bool each;    // each attempt is looked at: branches are recorded, or counted without a timing model
};
extern const struct state_table performance_state;

#endif
