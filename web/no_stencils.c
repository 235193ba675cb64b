// WebAssembly has no second tier: there are no stencils.
#include "cpu/engine/stencil.h"

static const struct stencil_row none;
static const uint8_t no_literals[1][16];
const struct stencil_table stencil_table = {.rows = &none, .literal = no_literals};
