// Binding: from a decoded instruction to the record that is executed.
#ifndef CPU_BIND_H
#define CPU_BIND_H
#include "cpu/state/cpu.h"
#include "cpu/decode/insn.h"

// What a record was made from, for those who look at a block as a whole (cpu/engine/tune.h).
struct bound {
    const struct body *body; // NULL: it raises an exception
    uint8_t form, width;     // of the handler chosen: body->fn[form][width]
    uint8_t effect;          // enum flag_effect of this instance
};

// Fills *op for an instruction at `offset` bytes from its block's start, under the processor's mode. What cannot be
// executed (no such instruction, wrong privilege, FPU off) becomes a record that raises the exception. false: the block
// ends after this record.
bool op_bind(const struct cpu *cpu, const struct insn *insn, enum decode_error error, unsigned offset, struct op *op,
             struct bound *bound);

#endif
