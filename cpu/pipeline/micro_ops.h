// What instructions are made of on each core: the rows of cpu/pipeline/micro_ops.def, read once.
#ifndef CPU_PIPELINE_MICRO_OPS_H
#define CPU_PIPELINE_MICRO_OPS_H
#include "cpu/decode/insn.h"

enum { WORK_GROUPS = 4 };
// The lowest bit is tried first: the port with the highest number.
#define PORT(number) (1u << (15 - (number)))
struct work_group {
    uint16_t ports; // as PORT
    uint8_t count;  // micro-operations
    uint8_t busy;   // cycles that each occupies its port
    bool after;     // waits for the group before
};

// One row for one core.
struct work {
    struct work_group group[WORK_GROUPS];
    uint8_t groups;
    uint16_t latency;
    bool renamed; // nothing is executed: done at rename
    uint16_t micro_ops;
    uint16_t slots[4]; // of the renamer, by enum recipe_kind: with a load, a store, both
};

struct micro_ops_row {
    const char *mnemonics, *select, *access, *flags;
};

enum core_kind { GOLDEN_COVE, SKYLAKE_SP, CORE_KINDS };

extern const unsigned micro_ops_count;
const struct micro_ops_row *micro_ops_row(unsigned index);
// The row that an instruction has; micro_ops_count: there is none.
unsigned micro_ops_find(const struct insn *insn);
void micro_ops_read(unsigned index, enum core_kind core, struct work *out);

#endif
