// The core's pipeline as a scoreboard: when each register is ready, which ports are taken in which cycle, how far
// rename and retirement have come. One instruction at a time, in program order; wrong paths are not modelled.
#ifndef CPU_PIPELINE_PIPELINE_H
#define CPU_PIPELINE_PIPELINE_H
#include "cpu/pipeline/micro_ops.h"
#include "cpu/pipeline/recipe.h"

// The facts of a core, derived: columns of core.def and micro_ops.def.
enum { WORK_ROWS = 320 };
struct core {
#define CORE(name, golden_cove, skylake, text, source) uint32_t name;
#include "cpu/pipeline/core.def"
#undef CORE
    struct work work[WORK_ROWS];
};
void core_read(enum core_kind kind, struct core *out);

enum { PIPELINE_CYCLES = 512, PIPELINE_ENTRIES = 512, PIPELINE_STORES = 128, PIPELINE_GRANULES = 128 };
enum { SLOT_BITS = 4, SLOT_MASK = (1 << SLOT_BITS) - 1 }; // of rename and retirement: at most 15 a cycle

// The last store to 8 bytes of memory whose addresses end alike.
struct granule {
    uint64_t address, ready, commit, key; // key: what memory renaming knows the address by
    uint64_t bytes, linear;
    uint64_t below; // when the wider store has left of which bytes remain beside its own
};

struct pipeline {
    uint64_t rename;                 // cycle << SLOT_BITS | its micro-operations that were renamed
    uint64_t retire;                 // the same of retirement
    uint64_t supplied;               // the front end delivers nothing before
    uint64_t drained;                // when everything before has ended
    uint64_t committed, commit_line; // the last store
    uint64_t commit_paired;          // a second store to its line went with it
    uint64_t fuse;                   // enum recipe_fuse of the instruction before
    uint64_t entry, store;           // next of the rings
    uint64_t wide;                   // half cycles: the last 64-bit immediate
    uint64_t recent;                 // ports that were sent to since the others were
    uint64_t ready[TIMED_REGISTERS];
    uint64_t stores[PIPELINE_STORES]; // when the store has left the store buffer
    uint64_t taken[PIPELINE_CYCLES];  // turn of the ring << 32 | two granules of a line that are loaded << 16 | ports
    struct granule granule[PIPELINE_GRANULES];
    uint32_t entries[PIPELINE_ENTRIES]; // when the micro-operation retires, its lower half
    uint32_t version[TIMED_REGISTERS];  // counts its writes
    uint8_t logic[TIMED_REGISTERS];     // of TIMED_FLAG_Z: the flags are those of AND, OR, XOR, TEST
    int16_t offset[TIMED_REGISTERS];    // immediates that the renamer has added to a register
};

// What memory answered to an instruction's accesses.
struct memory_answer {
    uint64_t address; // physical
    uint64_t linear;
    uint32_t latency;  // beyond the L1's
    bool crosses_line; // the operand lies in two
};

// An instruction of any shape passes the pipeline; returns when its branch, or its last result, is done.
uint64_t pipeline_pass_any(struct pipeline *p, const struct core *core, const struct recipe *r,
                           const struct memory_answer *memory);

#endif
