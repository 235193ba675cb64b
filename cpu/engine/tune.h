// Faster handlers where a block as a whole shows that they do the same.
#ifndef CPU_TUNE_H
#define CPU_TUNE_H
#include "cpu/engine/bind.h"
#include "cpu/engine/block.h"

// Changes handlers of the block's records, which were made from `bound`. The handlers they had stay behind the record
// that ends the block, for runs that stop in the middle (block_plain). Returns the bytes that the block has grown by.
// `singles`: behind those stand, of every block, the handlers of records as they are alone, for the second tier.
size_t tune(const struct combining *combining, struct block *block, struct bound *bound, bool singles);

// The handlers before tuning, one a record; NULL if none was changed.
op_fn **block_plain(struct block *block);

// What the rows' side knows of instructions that stand together (cpu/insn/combine.h): a value in the processor's
// wiring.
struct combining {
    // One handler for a comparison and the conditional branch behind it; NULL if there is none.
    op_fn *(*fused)(const struct bound *first, const struct bound *branch);
    // One handler for two instructions, by their pieces; NULL if there is none.
    unsigned (*piece_of)(const struct bound *bound);
    op_fn *(*paired)(unsigned first, unsigned second);
    // The same as `fused`, by body, form, width and the branch's body; and what there is of compiled bodies.
    op_fn *(*fused_body)(const struct body *first, unsigned form, unsigned width, const struct body *branch);
    const struct stencil_table *stencils;
};

#endif
