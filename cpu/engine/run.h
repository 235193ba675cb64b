// The run loop's parts that handlers jump to.
#ifndef CPU_RUN_H
#define CPU_RUN_H
#include "cpu/engine/block.h"
#include "cpu/engine/body.h"
#include "cpu/engine/stencil.h"

// What the handler at its end leaves to a function: a stencil has a way there (cpu/engine/stencil.h).
#ifdef VMXRAY_STENCIL
#define LEAVE_BY(way, function, cpu, op) return way_##way(cpu)
#else
#define LEAVE_BY(way, function, cpu, op) TAIL function(cpu, op)
#endif

// Links: a block remembers where its direct branch goes, [0] taken and [1] not, while that is on its own page: the
// page's translation is then in the TLB, as the block itself was fetched through it, and a store into the page ends all
// of the page's blocks together. block_build sets BIT(link) in the record's `imm` where the target qualifies.
op_fn run_link_taken, run_link_next; // when the link is missing: enter it, if it qualifies, and go there

// A statement at the end of a handler: on to link 0 (taken) or 1 (not taken), RIP being set.
#define LINK_0(cpu, op) LEAVE_BY(taken, run_link_taken, cpu, op)
#define LINK_1(cpu, op) LEAVE_BY(next, run_link_next, cpu, op)
#if VMXRAY_TAIL_CALLS
#define FOLLOW_LINK(cpu, op, number)                                                                                   \
    do {                                                                                                               \
        struct block *to = (cpu)->block->link[number];                                                                 \
        if (unlikely(!to || (cpu)->attention || (cpu)->budget < to->count)) LINK_##number(cpu, op);                    \
        (cpu)->budget -= to->count;                                                                                    \
        (cpu)->block = to;                                                                                             \
        TAIL to->ops[0].fn(cpu, to->ops);                                                                              \
    } while (0)
#else
#define FOLLOW_LINK(cpu, op, number) return ((number) == 0 ? run_link_taken : run_link_next)(cpu, op)
#endif

// Whether a block that somebody remembered begins at RIP: it belongs to the page that the fast fetch TLB names, which
// its own page is not once that was written, at the same offset and in the same mode.
ALWAYS_INLINE bool block_begins_here(const struct cpu *cpu, const struct block *b) {
    uint64_t linear = (cpu->rip + cpu->fetch.base) & cpu->fetch.mask;
    const struct tlb_fetch_fast *e = &cpu->fast->fetch[(linear >> PAGE_SHIFT) & (TLB_FETCH - 1)];
    return e->tag == ((linear & ~(PAGE_BYTES - 1)) | cpu->fetch.context) && b->page == e->page &&
           b->key == block_key(linear, cpu->mode);
}

// Calls and jumps, whose targets are often on other pages: link 0 is then a guess. A page in the fast TLB is canonical.
op_fn run_link_far;
#if VMXRAY_TAIL_CALLS
#define FOLLOW_FAR(cpu, op)                                                                                            \
    do {                                                                                                               \
        struct block *to = (cpu)->block->link[0];                                                                      \
        if (unlikely(!to || (cpu)->attention || (cpu)->budget < to->count)) LEAVE_BY(far, run_link_far, cpu, op);      \
        if (!((op)->imm & 1) && unlikely(!block_begins_here(cpu, to))) LEAVE_BY(far, run_link_far, cpu, op);           \
        (cpu)->budget -= to->count;                                                                                    \
        (cpu)->block = to;                                                                                             \
        TAIL to->ops[0].fn(cpu, to->ops);                                                                              \
    } while (0)
#else
#define FOLLOW_FAR(cpu, op) return run_link_far(cpu, op)
#endif

// Returns: a call leaves its block in a ring, and what followed that block's call last is the guess: its link 1.
ALWAYS_INLINE void call_noted(struct cpu *cpu) { cpu->fetch.returns[++cpu->fetch.return_top % RETURNS] = cpu->block; }
op_fn run_return; // when the guess is wrong
#if VMXRAY_TAIL_CALLS
#define FOLLOW_RETURN(cpu, op)                                                                                         \
    do {                                                                                                               \
        const struct block *from = (cpu)->fetch.returns[(cpu)->fetch.return_top-- % RETURNS];                          \
        struct block *to = likely(from) ? from->link[1] : NULL;                                                        \
        if (unlikely(!to || (cpu)->attention || (cpu)->budget < to->count)) LEAVE_BY(back, run_return, cpu, op);       \
        if (unlikely(!block_begins_here(cpu, to))) LEAVE_BY(back, run_return, cpu, op);                                \
        (cpu)->budget -= to->count;                                                                                    \
        (cpu)->block = to;                                                                                             \
        TAIL to->ops[0].fn(cpu, to->ops);                                                                              \
    } while (0)
#else
#define FOLLOW_RETURN(cpu, op) return run_next_block(cpu, op)
#endif

// The same from a relative branch in 64-bit code. Without a link, run_link_taken finds out whether the target is
// canonical.
#define FOLLOW_TAKEN(cpu, op)                                                                                          \
    do {                                                                                                               \
        (cpu)->rip += (uint64_t)(op)->disp;                                                                            \
        FOLLOW_LINK(cpu, op, 0);                                                                                       \
    } while (0)
#define FOLLOW_EITHER(cpu, op, taken)                                                                                  \
    do {                                                                                                               \
        if (taken) FOLLOW_TAKEN(cpu, op);                                                                              \
        (cpu)->rip = op_rip(cpu, op) + (op)->length;                                                                   \
        FOLLOW_LINK(cpu, op, 1);                                                                                       \
    } while (0)

// --- for cpu/engine/run.c ---

// The block at RIP when its page is in the fast fetch TLB (cpu/engine/link.c).
struct block *block_chained(struct cpu *cpu);
// The block at RIP, made when missing; NULL in *block when the instruction must run from the scratch block
// (cpu/engine/fetch.c).
enum outcome find_block(struct cpu *cpu, struct block **block);
// The scratch block for the instruction at RIP.
enum outcome solo_block(struct cpu *cpu, struct block **block);
// Of the scratch block that is running, a repeated string instruction: whether its bytes in memory are others by now,
// or may be; whether they lie on a page of host memory, or may.
bool solo_changed(struct cpu *cpu);
bool solo_lies_on(struct cpu *cpu, const uint8_t *page);
ALWAYS_INLINE uint64_t fetch_linear(const struct cpu *cpu) { return (cpu->rip + cpu->fetch.base) & cpu->fetch.mask; }

#endif
