// Instructions that follow each other, turn after turn, in the pipeline of a core whose caches have everything: when
// each is renamed, done, retired. For whoever wants to see it; no machine takes part.
#ifndef CPU_TIMING_EXPLAIN_H
#define CPU_TIMING_EXPLAIN_H
#include "cpu/decode/insn.h"

struct explained {
    uint64_t renamed, done, retired; // cycles; done: its last result is there
    bool executed;                   // not done at rename, and not one micro-operation with the one before
    bool fused;
    uint16_t micro_ops; // slots of the renamer
};
struct explain_insn {
    struct insn insn;
    uint64_t address; // of its memory operand, if it has one
};
enum { EXPLAIN_MOST = 64 };
// `out` has `count` for each of `turns` turns, one after the other, of the first ones. Answers with a hundred times
// the cycles that a turn takes; 0: there is no such model, or memory is short.
uint64_t timing_explain(const char *model, const struct explain_insn *insns, unsigned count, unsigned turns,
                        struct explained *out);

#endif
