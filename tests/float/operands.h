// Operands that find mistakes in floating-point arithmetic: special values, values near boundaries of rounding and of
// the exponent range, pairs that nearly cancel, and plain random bits. The sequence is the same on every run.
#pragma once

#include "cpu/float/float.h"

struct operands {
    uint64_t state; // of the generator; any seed but 0
};

uint64_t operands_bits(struct operands *o); // 64 random bits
unsigned operands_below(struct operands *o, unsigned limit);

f32 operands_f32(struct operands *o);
f64 operands_f64(struct operands *o);
struct f80 operands_f80(struct operands *o); // one in ten is not a supported encoding
int64_t operands_i64(struct operands *o);

// A second operand: often near to the first.
f32 operands_f32_beside(struct operands *o, f32 a);
f64 operands_f64_beside(struct operands *o, f64 a);
struct f80 operands_f80_beside(struct operands *o, struct f80 a);
