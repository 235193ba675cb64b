// The second tier: blocks that run often become compiled code, stencils (cpu/engine/stencil.h) copied one behind the
// other. Derived state like the blocks themselves.
//
// Each record of a compiled block has its place in the code as its handler, so everything that works with records works
// with compiled ones: handlers of other records go on into the code, the code leaves to a record's own handler for what
// it does not do itself, a block that must end early gets its plain handlers back (block_plain), and one that was
// written is cut off at its first record. Nothing that a guest or a hash can see depends on which tier ran.
#ifndef CPU_TIER_H
#define CPU_TIER_H
#include "cpu/engine/block.h"
#include "cpu/state/code_memory.h"

struct tier;
struct stencil_table;

// Usually a block is compiled when it is about to run for this time.
#ifndef VMXRAY_TIER_HEAT
#define VMXRAY_TIER_HEAT 24
#endif
enum { TIER_HEAT = VMXRAY_TIER_HEAT };

// NULL: memory is short, or this build has no stencils. `fused`: as in cpu/engine/tune.h.
struct tier *tier_new(const struct code_memory *memory, const struct stencil_table *table,
                      op_fn *(*fused)(const struct body *, unsigned form, unsigned width, const struct body *branch));
void tier_free(struct tier *tier);
void tier_clear(struct tier *tier); // what was compiled is not needed any more
// How many blocks were compiled, and how many bytes the code takes now.
void tier_counts(const struct tier *tier, uint64_t *compiled, uint64_t *bytes);

// A block that has its plain and single handlers (cpu/engine/tune.h) waits to be hot.
void tier_watch(const struct tier *tier, struct block *block);
// In place of the first record's handler of such a block.
op_fn run_heating;

#endif
