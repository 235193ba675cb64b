// Writes instructions from rows of cpu/insn/insn.def, with random operands.
#ifndef TESTS_VECTOR_ENCODE_H
#define TESTS_VECTOR_ENCODE_H
#include "cpu/decode/insn.h"

// An instance of the row: general registers among RAX, RCX, RDX; memory at [RBX + displacement], aligned if `aligned`.
// Returns its length; *text describes it.
unsigned encode_random(const struct insn_row *row, bool aligned, uint8_t out[16]);

#endif
