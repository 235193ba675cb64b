// A core's model, as its own files see it.
#ifndef CPU_TIMING_MODEL_STATE_H
#define CPU_TIMING_MODEL_STATE_H
#include "cpu/state/outcome.h"
#include "cpu/timing/account.h"
#include "cpu/timing/branch.h"
#include "cpu/timing/memory.h"
#include "cpu/timing/model.h"
#include "cpu/pipeline/scoreboard.h"
#include "cpu/timing/vtx.h"

enum { DECODED_SETS = 64, DECODED_WAYS = 8, DECODED_WIDTH = 8 /* micro-operations that come together */ };

struct timing_model {
    // state
    struct pipeline pipeline;
    struct memory_model memory;
    struct branch_model branch;
    struct vtx_model vtx;
    uint32_t decoded[DECODED_SETS * DECODED_WAYS]; // windows of code whose micro-operations are kept
    uint64_t line;                                 // of code that was fetched last
    uint64_t in_line;                              // instructions that came from it
    uint64_t event;                                // enum due: what the next attempt pays for
    uint64_t wrong;                                // the attempt before was a branch predicted wrongly
    struct timing_account account;
    uint64_t string;   // the chunk of memory that a repeated MOVS or STOS is in << 1 | 1; 0: none is under way
    uint64_t non_root; // the attempt before ended in VMX non-root operation
    // derived
    struct recipe begun;   // within a run of blocks: the attempt that goes on
    uint64_t address, rip; // of its memory operand; its own
    uint64_t encoding;     // of the field that it names
    uint64_t string_source;
    timing_crossing_fn *crossing;
    struct core core;
    struct timing timing;
};

#define NO_ADDRESS (~0ull) // of a repeated string instruction without an iteration

static inline struct timing_counts *counts_now(struct timing_model *m) { return &m->account.level[m->account.running]; }

// pass.c: the attempt at `begun` passes the pipeline, now that it has ended; the next one is at `to`. What it took.
typedef uint64_t pass_fn(struct timing_model *m, const struct cpu *cpu, uint64_t to);
extern pass_fn *const passes[SHAPE_COUNT];
// The same, and what begins behind it is remembered: struct timing's `begin`, which follows what has begun.
typedef uint64_t timing_begin_fn(void *state, struct cpu *cpu, const struct op *op, const struct timing_note *note);
extern timing_begin_fn *const begins[SHAPE_COUNT];
void begin_next(struct timing_model *m, struct cpu *cpu, const struct op *op, const struct timing_note *note,
                uint64_t rip);
// model.c: the first of a run of blocks, or something is due.
uint64_t begin_rarely(struct timing_model *m, struct cpu *cpu, const struct op *op, const struct timing_note *note);
// Everything that was under way ends, and nothing goes on for so many cycles, which are counted as `kind`.
uint64_t pay_for(struct timing_model *m, enum timing_count kind, uint64_t cycles);

#endif
