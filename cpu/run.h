// The run loop's parts that handlers jump to.
#ifndef CPU_RUN_H
#define CPU_RUN_H
#include "cpu/block.h"
#include "cpu/body.h"

// Links: a block remembers where its direct branch goes, [0] taken and [1] not, while that is on its own page: the page's
// translation is then in the TLB, as the block itself was fetched through it, and a store into the page ends all of the
// page's blocks together. block_build sets BIT(link) in the record's `imm` where the target qualifies.
enum outcome run_link(struct cpu *cpu, const struct op *op, unsigned link);  // when the link is missing

ALWAYS_INLINE enum outcome follow_link(struct cpu *cpu, const struct op *op, unsigned link) {
#if VMXRAY_TAIL_CALLS
    if (unlikely(!(op->imm & (1 << link)))) return run_next_block(cpu, op);
    struct block *b = cpu->block->link[link];
    if (unlikely(!b || cpu->attention || cpu->budget < b->count)) return run_link(cpu, op, link);
    cpu->budget -= b->count;
    cpu->block = b;
    return b->ops[0].fn(cpu, b->ops);
#else
    (void)link;
    return run_next_block(cpu, op);
#endif
}

#endif
