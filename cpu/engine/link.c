// From one block to the next: what handlers jump to where a block ends. SDM Vol. 1, 6.4 (calls and returns come in
// pairs).
#include "cpu/memory/access.h"
#include "cpu/engine/run.h"
#include "cpu/event/segment.h"

enum outcome op_stopped(struct cpu *cpu, const struct op *op, enum outcome outcome) {
    cpu->attempt.stopped = op;
    return outcome;
}

static struct block **jump_slot(struct cpu *cpu, uint64_t linear) {
    return &cpu->fetch.jump[(linear ^ linear >> 12) & (JUMPS - 1)];
}

static COLD struct block *block_search(struct cpu *cpu, const struct code_page *page, uint64_t linear) {
    uint32_t key = block_key(linear, cpu->mode);
    struct block *b = page->slot[block_slot(key)];
    while (b && b->key != key) b = b->next;
    if (b) *jump_slot(cpu, linear) = b;
    return b;
}

ALWAYS_INLINE struct block *chained(struct cpu *cpu) {
    uint64_t linear = (cpu->rip + cpu->fetch.base) & cpu->fetch.mask;
    const struct tlb_fetch_fast *e = &cpu->fast->fetch[(linear >> PAGE_SHIFT) & (TLB_FETCH - 1)];
    if (unlikely(e->tag != ((linear & ~(PAGE_BYTES - 1)) | cpu->fetch.context))) return NULL;
    struct block *b = *jump_slot(cpu, linear);
    if (likely(b && b->page == e->page && b->key == block_key(linear, cpu->mode))) return b;
    return block_search(cpu, e->page, linear);
}

struct block *block_chained(struct cpu *cpu) {
    return chained(cpu);
}

enum outcome run_next_block(struct cpu *cpu, const struct op *op) {
    (void)cpu, (void)op;
#if VMXRAY_TAIL_CALLS
    if (unlikely(cpu->attention)) return OUT_LEAVE;
    struct block *b = chained(cpu);
    if (unlikely(!b) || cpu->budget < b->count) return OUT_LEAVE;
    cpu->budget -= b->count;
    cpu->block = b;
    TAIL b->ops[0].fn(cpu, b->ops);
#else
    return OUT_LEAVE;
#endif
}

// A block made to run alone outlives the cache's emptying: it gets no links.
static void enter_link(struct cpu *cpu, unsigned link) {
    struct block *from = cpu->block, *to = chained(cpu);
    if (to && from->page) from->link[link] = to;
}

// A branch to another page has not looked yet whether its target, which is in RIP, is canonical.
static enum outcome leave_page(struct cpu *cpu, const struct op *op) {
    uint64_t target = cpu->rip, from = target - (uint64_t)op->disp;
    if (likely((target ^ from) >> 46 == 0)) return OUT_OK;
    enum outcome outcome = near_target(cpu, target);
    if (outcome != OUT_OK) cpu->rip = from;
    return outcome;
}

enum outcome run_link_taken(struct cpu *cpu, const struct op *op) {
    if (op->imm & 1) {
        enter_link(cpu, 0);
    } else {
        enum outcome outcome = leave_page(cpu, op);
        if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);
    }
    TAIL run_next_block(cpu, op);
}

enum outcome run_link_next(struct cpu *cpu, const struct op *op) {
    if (op->imm & 2) enter_link(cpu, 1);
    TAIL run_next_block(cpu, op);
}

enum outcome run_link_far(struct cpu *cpu, const struct op *op) {
    enum outcome outcome = leave_page(cpu, op);
    if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);
    enter_link(cpu, 0);
    TAIL run_next_block(cpu, op);
}

enum outcome run_return(struct cpu *cpu, const struct op *op) {
    struct block *from = cpu->fetch.returns[(cpu->fetch.return_top + 1) % RETURNS], *to = chained(cpu);
    if (from && from->page && to) from->link[1] = to;
    TAIL run_next_block(cpu, op);
}

enum outcome run_block_end(struct cpu *cpu, const struct op *op) {
    cpu->rip = cpu_64bit(cpu) ? cpu->rip + op->offset : (uint32_t)(cpu->rip + op->offset);
    FOLLOW_LINK(cpu, op, 0);
}

// What the attempt before took; then this one begins, unless time is up (cpu_cycles, of this block).
enum outcome run_timed(struct cpu *cpu, const struct op *op) {
    const struct timing *timing = cpu->wire.timing;
    const struct block *block = cpu->block;
    uint64_t before = (uint64_t)(op - block->ops);
    const struct timed *timed = block_timed(block) + before;
    uint64_t took = timing->begin(timing->state, cpu, op, &timed->note);
    cpu->time.surplus_cycles += cpu->attempt.begun ? took - 1 : 0;
    cpu->attempt.begun = 1;
    uint64_t steps = cpu->attempt.step_limit - (uint64_t)cpu->budget - block->count + before;
    if (unlikely(steps + cpu->time.surplus_cycles >= cpu->attempt.cycle_limit)) return op_stopped(cpu, op, OUT_SOLO);
    TAIL timed->fn(cpu, op);
}

enum outcome run_block_stale(struct cpu *cpu, const struct op *op) { return op_stopped(cpu, op, OUT_SOLO); }

// In place of an instruction that crosses into the next page: the run loop fetches it whole.
enum outcome run_block_crossing(struct cpu *cpu, const struct op *op) {
    (void)cpu, (void)op;
    return OUT_LEAVE;
}
