// The core's pipeline as a scoreboard: when each register is ready, which ports are taken in which cycle, how far
// rename and retirement have come. One instruction at a time, in program order; wrong paths are not modelled.
#ifndef CPU_TIMING_PIPELINE_H
#define CPU_TIMING_PIPELINE_H
#include "cpu/timing/micro_ops.h"
#include "cpu/timing/recipe.h"

// The facts of a core, derived: columns of core.def and micro_ops.def.
enum { WORK_ROWS = 320 };
struct core {
#define CORE(name, golden_cove, skylake, text, source) uint32_t name;
#include "cpu/timing/core.def"
#undef CORE
    struct work work[WORK_ROWS];
};
void core_read(enum core_kind kind, struct core *out);

enum { PIPELINE_CYCLES = 1024, PIPELINE_ENTRIES = 512, PIPELINE_STORES = 128, PIPELINE_GRANULES = 128 };

// The last store to 8 bytes of memory whose addresses end alike.
struct granule {
    uint64_t address, ready, commit, key; // key: what memory renaming knows the address by
    uint64_t bytes, linear;
    uint64_t below; // when the wider store has left of which bytes remain beside its own
};

struct pipeline {
    uint64_t renamed, rename_slots;  // cycle in which the last micro-operation was renamed, and how many in it
    uint64_t retired, retire_slots;  // the same of retirement
    uint64_t supplied;               // the front end delivers nothing before
    uint64_t committed, commit_line; // the last store
    uint64_t commit_paired;          // a second store to its line went with it
    uint64_t early;                  // by how much a load may retire before its result can be used
    uint64_t drained;                // when everything before has ended
    uint64_t fuse;                   // enum recipe_fuse of the instruction before
    uint64_t logic;                  // the flags are those of AND, OR, XOR, TEST
    uint64_t entry, store;           // next of the rings
    uint64_t wide;                   // half cycles: the last 64-bit immediate
    uint64_t recent;                 // ports that were sent to since the others were
    uint64_t ready[TIMED_REGISTERS];
    int64_t offset[16];                 // immediates that the renamer has added to a register
    uint64_t version[16];               // of a register: counts its writes
    uint64_t taken[PIPELINE_CYCLES];    // cycle << 16 | ports in use
    uint64_t loaded[PIPELINE_CYCLES];   // cycle << 16 | two granules of a line that were loaded in it
    uint64_t entries[PIPELINE_ENTRIES]; // when the micro-operation retires
    uint64_t stores[PIPELINE_STORES];   // when the store has left the store buffer
    struct granule granule[PIPELINE_GRANULES];
};

// What memory answered to an instruction's accesses.
struct memory_answer {
    uint64_t address; // physical
    uint64_t linear;
    uint32_t latency;  // beyond the L1's
    bool crosses_line; // the operand lies in two
};

// The instruction passes the pipeline; returns when its branch, or its last result, is done.
uint64_t pipeline_pass(struct pipeline *p, const struct core *core, const struct recipe *r,
                       const struct memory_answer *memory);

#endif
