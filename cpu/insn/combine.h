// Instructions that are executed as one record with their neighbours.
#ifndef CPU_COMBINE_H
#define CPU_COMBINE_H
#include "cpu/engine/tune.h"

op_fn *fused(const struct bound *first, const struct bound *branch); // cpu/insn/fuse.c
op_fn *fused_body(const struct body *first, unsigned form, unsigned width, const struct body *branch);
unsigned piece_of(const struct bound *bound); // cpu/insn/pair.c
op_fn *paired(unsigned first, unsigned second);

extern const struct combining cpu_combining; // the three, for the processor's wiring

#endif
