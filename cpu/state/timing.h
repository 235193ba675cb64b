// What a step costs in cycles. Without a model every step takes one. A model is asked after each attempt at an
// instruction, which then runs alone: it sees what was done, never decoded blocks, whose length is derived state. What
// it remembers from one step to the next is state, hashed and saved with the machine.
#ifndef CPU_TIMING_H
#define CPU_TIMING_H
#include "cpu/state/cpu.h"

struct retired {
    uint64_t step;       // steps before this attempt
    uint64_t rip;        // of the attempt
    const struct op *op; // what was decoded there; NULL when nothing was attempted but a fetch
    bool retired;        // false: it faulted, left by a VM exit, or is an iteration that another follows
    bool after_event;    // events were taken at the boundary before it: their cost comes with this attempt's
};

struct timing {
    void *state;
    const struct state_table *table; // over *state
    // Cycles that the attempt took: any number, also 0. Looks at the processor, which is at the boundary after it.
    uint64_t (*retire)(void *state, const struct cpu *cpu, const struct retired *retired);
};

#endif
