// What a step costs in cycles. Without a model every step takes one. A model sees what was done, never decoded blocks,
// whose length is derived state. What it remembers from one step to the next is state, hashed and saved with the
// machine.
//
// Each model is asked after each attempt at an instruction. One that has `begin` learns of each attempt before it as
// well, and may be asked in the middle of blocks; without it each attempt runs alone.
#ifndef CPU_TIMING_H
#define CPU_TIMING_H
#include "cpu/state/cpu.h"

struct retired {
    uint64_t step;       // steps before this attempt
    uint64_t rip;        // of the attempt
    const struct op *op; // what was decoded there; NULL when nothing was attempted but a fetch
    bool retired;        // false: it faulted, left by a VM exit, or is an iteration that another follows
    bool begun;          // to a model that sees each attempt: the last that began is this one
    bool stopped;        // the same: it began, and was not attempted after all: it will begin again, alone
    bool after_event;    // events were taken at the boundary before it: their cost comes with this attempt's
};

// What a model wants to know of an instruction, worked out once where it is decoded and kept beside its record.
struct timing_note {
    uint64_t word[3];
};

struct insn;
struct timing {
    void *state;
    const struct state_table *table; // over *state
    // Cycles that the attempt took: any number, also 0. Looks at the processor, which is at the boundary after it.
    uint64_t (*retire)(void *state, const struct cpu *cpu, const struct retired *retired);
    // An attempt at `op` of the block in execution begins; what it is, is in the note. Answers with what the attempt
    // before took, if that was in the same run of blocks (cpu->attempt.begun) and retired. An attempt may begin twice
    // before it retires: it then had to run alone. NULL: see above.
    uint64_t (*begin)(void *state, struct cpu *cpu, const struct op *op, const struct timing_note *note);
    void (*note)(const void *state, const struct insn *insn, struct timing_note *out);
    // For performance counters: how often it happened so far. NULL: never.
    uint64_t (*counted)(const void *state, enum performance_source source);
};

#endif
