// The run loop's parts that handlers jump to.
#ifndef CPU_RUN_H
#define CPU_RUN_H
#include "cpu/block.h"
#include "cpu/body.h"

// Links: a block remembers where its direct branch goes, [0] taken and [1] not, while that is on its own page: the page's
// translation is then in the TLB, as the block itself was fetched through it, and a store into the page ends all of the
// page's blocks together. block_build sets BIT(link) in the record's `imm` where the target qualifies.
op_fn run_link_taken, run_link_next;  // when the link is missing: enter it, if it qualifies, and go there

// A statement at the end of a handler: on to link 0 (taken) or 1 (not taken), RIP being set.
#if VMXRAY_TAIL_CALLS
#define FOLLOW_LINK(cpu, op, number)                                                                                  \
    do {                                                                                                              \
        struct block *to = (cpu)->block->link[number];                                                                \
        if (unlikely(!to || (cpu)->attention || (cpu)->budget < to->count))                                           \
            TAIL((number) == 0 ? run_link_taken : run_link_next)(cpu, op);                                            \
        (cpu)->budget -= to->count;                                                                                   \
        (cpu)->block = to;                                                                                            \
        TAIL to->ops[0].fn(cpu, to->ops);                                                                             \
    } while (0)
#else
#define FOLLOW_LINK(cpu, op, number) return ((number) == 0 ? run_link_taken : run_link_next)(cpu, op)
#endif

// The same from a relative branch in 64-bit code. Without a link, run_link_taken finds out whether the target is canonical.
#define FOLLOW_TAKEN(cpu, op)                                                                                         \
    do {                                                                                                              \
        (cpu)->rip += (uint64_t)(op)->disp;                                                                           \
        FOLLOW_LINK(cpu, op, 0);                                                                                      \
    } while (0)
#define FOLLOW_EITHER(cpu, op, taken)                                                                                 \
    do {                                                                                                              \
        if (taken) FOLLOW_TAKEN(cpu, op);                                                                             \
        (cpu)->rip = op_rip(cpu, op) + (op)->length;                                                                  \
        FOLLOW_LINK(cpu, op, 1);                                                                                      \
    } while (0)

#endif
