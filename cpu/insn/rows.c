// The instruction rows of the processor, VT-x aside: cpu/insn/insn.def as an array.
#include "cpu/engine/body.h"
#include "cpu/decode/insn.h"

#define INSN(encoding, mnemonic, operands, modes, feature, traits, what) extern const struct body body_##what;
#include "cpu/insn/insn.def"
#undef INSN

#include "cpu/engine/stencil.h"
#include "cpu/insn/combine.h"
#include "cpu/state/model.h"

static const struct insn_row rows[] = {
#define INSN(encoding, mnemonic, operands, modes, feature, traits, what)                                               \
    {encoding, mnemonic, operands, modes, FEATURE_##feature, traits, &body_##what},
#include "cpu/insn/insn.def"
#undef INSN
};

const struct row_set cpu_rows = {rows, sizeof(rows) / sizeof(rows[0])};

const struct combining cpu_combining = {fused, piece_of, paired, fused_body, &stencil_table};
