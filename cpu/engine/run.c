// The run loop: events at instruction boundaries (cpu/engine/boundary.c), then blocks. SDM Vol. 3A, 6.8.1, 6.8.3
// (inhibition), Vol. 3B, 17.3.1.4, 17.4.3 (single step).
//
// Every attempt at an instruction is a step, whether it retires, faults or exits; so is one iteration of a repeated
// string instruction. Delivering an event takes none, and at least one attempt follows each delivery.
#include "cpu/engine/run.h"
#include "cpu/counters/counters.h"
#include "cpu/engine/boundary.h"
#include "cpu/memory/access.h"
#include "cpu/engine/block.h"
#include "cpu/engine/body.h"
#include "cpu/watch/debug.h"
#include "cpu/watch/each.h"
#include "cpu/engine/tune.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"
#include "cpu/event/invariants.h"
#include "cpu/engine/cpu_run.h"
#include "cpu/memory/points.h"
#include "cpu/state/timing.h"

static enum outcome execute(struct cpu *cpu, struct block *block) {
    cpu->block = block;
    cpu->budget -= block->count;
    const struct op *op = block->ops;
#if VMXRAY_TAIL_CALLS
    return op->fn(cpu, op);
#else
    for (;;) {
        enum outcome outcome = op->fn(cpu, op);
        if (outcome != OUT_OK) return outcome;
        op++;
    }
#endif
}

// Outside 64-bit mode every byte of an instruction must lie within the CS limit. So it does if all the bytes do that
// the last instruction of the block could have had, which an undefined one does not tell; else it is decoded again,
// alone.
static bool within_limit(const struct cpu *cpu, const struct block *block) {
    enum { LONGEST = 15 };
    return cpu_64bit(cpu) || cpu->rip + block->bytes + LONGEST - 2 <= cpu->segment[CS].limit;
}

// --- after a block ---

static unsigned stopped_index(const struct cpu *cpu) { return (unsigned)(cpu->attempt.stopped - cpu->block->ops); }

// RIP and steps as they are when the stopped instruction was attempted (`attempted`) or not yet.
static void rewind_to_stopped(struct cpu *cpu, bool attempted) {
    unsigned done = stopped_index(cpu) + (attempted ? 1 : 0);
    cpu->budget += cpu->block->count - done;
    cpu->rip += cpu->attempt.stopped->offset;
    if (!cpu_64bit(cpu)) cpu->rip = (uint32_t)cpu->rip;
}

static void steps_settle(struct cpu *cpu) { cpu->time.steps = cpu->attempt.step_limit - (uint64_t)cpu->budget; }

// A non-canonical address formed with RSP or RBP raises #SS. SDM Vol. 1, 3.3.7.1.
static void stack_fault(struct cpu *cpu) {
    const struct op *op = cpu->attempt.stopped;
    bool by_stack = op->base == RSP * 8 || op->base == RBP * 8 || op->base == offsetof(struct cpu, zero);
    if (op->ea) return;
    bool no_segment = op->segment_base == offsetof(struct cpu, zero);
    if (by_stack && no_segment && !(op->base == offsetof(struct cpu, zero) && (op->disp || op->index != op->base)))
        cpu->attempt.fault.vector = VECTOR_SS;
}

static enum outcome deliver_fault(struct cpu *cpu) {
    steps_settle(cpu);
    struct event event = cpu->attempt.fault;
    return carry_out(cpu, event_deliver(cpu, &event));
}

static enum outcome exit_by(struct cpu *cpu, const struct op *op) {
    cpu->attempt.exited_bytes = op->length;
    enum outcome outcome = carry_out(cpu, OUT_VMEXIT);
    cpu->attempt.exited_bytes = 0;
    return outcome;
}

static enum outcome after(struct cpu *cpu, enum outcome outcome) {
    switch (outcome) {
    case OUT_FAULT:
        cpu->attempt.trap = cpu->breakpoints.hits = 0;
        cpu->time.unretired++;
        rewind_to_stopped(cpu, true);
        if (cpu->attempt.non_canonical) stack_fault(cpu);
        cpu->attempt.non_canonical = 0;
        return deliver_fault(cpu);
    case OUT_VMEXIT:
        cpu->attempt.trap = cpu->breakpoints.hits = 0;
        cpu->time.unretired++;
        rewind_to_stopped(cpu, true);
        steps_settle(cpu);
        return exit_by(cpu, cpu->attempt.stopped);
    case OUT_SOLO:
        cpu->breakpoints.hits = 0;
        rewind_to_stopped(cpu, false);
        return OUT_SOLO;
    default:
        if (unlikely(cpu->breakpoints.hits)) debug_hits_pend(cpu);
        return OUT_OK; // RIP and budget are settled
    }
}

// The instruction from `from` is done and has settled RIP: whether it went elsewhere than to the next one.
static void tell_branch(struct cpu *cpu, enum outcome outcome, uint64_t from, unsigned bytes) {
    if (outcome != OUT_OK && outcome != OUT_LEAVE) return;
    uint64_t to = cpu->rip, next = cpu_64bit(cpu) ? from + bytes : (uint32_t)(from + bytes);
    if (to == next) return;
    struct sight sight = {.kind = OBSERVE_BRANCH, .value = to, .old = next};
    cpu->rip = from;
    observe_tell(cpu, NULL, &sight);
    cpu->rip = to;
}

// The attempt at an instruction that could not be fetched.
static enum outcome not_fetched(struct cpu *cpu, enum outcome outcome) {
    cpu->budget--;
    cpu->time.unretired++;
    steps_settle(cpu);
    return outcome == OUT_FAULT ? deliver_fault(cpu) : carry_out(cpu, outcome);
}

// One attempt at the instruction at RIP, alone.
static enum outcome run_solo(struct cpu *cpu) {
    struct block *block = NULL;
    enum outcome outcome = solo_block(cpu, &block);
    if (outcome != OUT_OK) return not_fetched(cpu, outcome);
    uint64_t from = cpu->rip;
    outcome = execute(cpu, block);
    if (unlikely(observed(cpu, OBSERVE_BRANCH))) tell_branch(cpu, outcome, from, block->bytes);
    return after(cpu, outcome);
}

// An instruction breakpoint comes before its instruction is fetched; RF and MOV SS hold it back. SDM Vol. 3B, 17.3.1.1.
static uint64_t code_breakpoints(const struct cpu *cpu) {
    if (likely(!(cpu->breakpoints.watch & WATCH_CODE)) || cpu->rflags & FLAG_RF || cpu_mov_ss_shadow(cpu)) return 0;
    return debug_code(cpu, fetch_linear(cpu));
}

static enum outcome run_breakpoint(struct cpu *cpu) {
    (void)cpu_fault(cpu, VECTOR_DB);
    cpu->attempt.fault.payload = code_breakpoints(cpu);
    cpu->budget--;
    cpu->time.unretired++;
    return deliver_fault(cpu);
}

// In place of the first instruction that the budget has no room for.
static enum outcome run_block_cut(struct cpu *cpu, const struct op *op) {
    cpu->rip = cpu_64bit(cpu) ? cpu->rip + op->offset : (uint32_t)(cpu->rip + op->offset);
    return OUT_LEAVE;
}

static void exchange(op_fn **plain, struct op *ops, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        op_fn *fn = ops[i].fn;
        ops[i].fn = plain[i];
        plain[i] = fn;
    }
}

// As many instructions of the block as the budget has room for: for now the block is that short, and its handlers know
// no instruction that comes after them.
static enum outcome run_cut(struct cpu *cpu, struct block *block) {
    uint8_t count = block->count, room = (uint8_t)cpu->budget;
    struct op *cut = &block->ops[room];
    op_fn *fn = cut->fn, **plain = block_plain(block);
    if (plain) exchange(plain, block->ops, room);
    block->count = room;
    cut->fn = run_block_cut;
    enum outcome outcome = after(cpu, execute(cpu, block));
    cut->fn = fn;
    block->count = count;
    if (plain) exchange(plain, block->ops, room);
    if (unlikely(!block->page)) block->ops[0].fn = run_block_stale; // its page was written on the way
    return outcome;
}

static enum outcome run_blocks(struct cpu *cpu) {
    struct block *block = block_chained(cpu);
    enum outcome outcome = OUT_OK;
    if (unlikely(!block)) outcome = find_block(cpu, &block);
    if (outcome != OUT_OK) return not_fetched(cpu, outcome);
    if (!block || !block->count || !within_limit(cpu, block)) return run_solo(cpu);
    if (block->count > cpu->budget && cpu->mode & MODE_TIMED) return run_solo(cpu);
    return block->count > cpu->budget ? run_cut(cpu, block) : after(cpu, execute(cpu, block));
}

// Whether the branch that was done as `op` was taken, SDM Vol. 3B, 17.4.3; `opcode`: the last byte of its opcode.
// Of the branches only Jcc, LOOPcc and JCXZ may go on without one. None of them changes what its condition reads, but
// for the counter, which is already one less.
static bool branch_taken(const struct cpu *cpu, const struct op *op, uint8_t opcode) {
    enum { LOOPNE = 0xe0, LOOPE, LOOP, JCXZ };
    uint64_t counter = op_counter(cpu, op);
    switch (opcode) {
    case 0x70 ... 0x8f: return flags_condition(&cpu->flags, opcode & 15);
    case LOOPNE: return counter && !flags_zf(&cpu->flags);
    case LOOPE: return counter && flags_zf(&cpu->flags);
    case LOOP: return counter;
    case JCXZ: return !counter;
    default: return true;
    }
}

// No block: the instruction emptied the block cache, which none does that branches.
static bool branched(const struct cpu *cpu) {
    const struct block *solo = cpu->block;
    return solo && solo->key && branch_taken(cpu, solo->ops, (uint8_t)solo->key);
}

// --- counters and last branches that look at each attempt ---

// FF is the opcode wherever it comes first: no prefix is FF.
static enum branch_type type_of_group_5(const struct block *solo) {
    enum { CALL = 2, JMP = 4 };
    unsigned at = 0;
    while (at + 1u < solo->bytes && block_solo_byte(solo, at) != 0xff) at++;
    unsigned which = block_solo_byte(solo, at + 1) >> 3 & 7;
    return which == CALL ? LBR_NEAR_IND_CALL : which == JMP ? LBR_NEAR_IND_JMP : LBR_OTHER;
}

// What the instruction that was done as a scratch block is; VM entries are no branches.
static enum branch_type branch_type(const struct cpu *cpu) {
    const struct block *solo = cpu->block;
    if (!solo || !solo->key) return LBR_NONE;
    switch ((uint8_t)solo->key) {
    case 0x70 ... 0x7f:
    case 0x80 ... 0x8f:
    case 0xe0 ... 0xe3: return LBR_COND;
    case 0xe8: return LBR_NEAR_REL_CALL;
    case 0xe9:
    case 0xeb: return LBR_NEAR_REL_JMP;
    case 0xc2:
    case 0xc3: return LBR_NEAR_RET;
    case 0xff: return type_of_group_5(solo);
    case 0x01: return LBR_NONE;
    default: return LBR_OTHER;
    }
}

struct went {
    uint64_t linear, unretired, step;
    bool user, non_root;
};

static struct went went_from(const struct cpu *cpu) {
    return (struct went){fetch_linear(cpu), cpu->time.unretired, cpu->time.steps, cpu_cpl(cpu) > 0, cpu->intercepts.non_root};
}

// Events at the boundary: interrupts, exceptions that trap.
static void note_event(struct cpu *cpu, const struct went *from) {
    uint64_t to = fetch_linear(cpu);
    if (from->linear == to || from->non_root != cpu->intercepts.non_root) return;
    performance_branched(cpu, LBR_OTHER, from->linear, from->user, to);
}

static void note_attempt(struct cpu *cpu, const struct went *from) {
    steps_settle(cpu);
    if (cpu->time.steps == from->step || from->non_root != cpu->intercepts.non_root) return;
    if (cpu->time.unretired != from->unretired) {
        note_event(cpu, from);
        return;
    }
    enum branch_type type = branch_type(cpu);
    if (type == LBR_NONE) return;
    cpu->performance.branches++;
    uint64_t to = fetch_linear(cpu);
    bool next_called = type == LBR_NEAR_REL_CALL && to == from->linear + cpu->block->bytes;
    if (branched(cpu) && !next_called) performance_branched(cpu, type, from->linear, from->user, to);
}

// RF lasts for one instruction, or to the end of an attempt that counts.
static enum outcome run_resumed(struct cpu *cpu, bool alone) {
    int64_t budget = cpu->budget;
    cpu->rflags &= ~FLAG_RF;
    enum outcome outcome = alone ? run_solo(cpu) : run_blocks(cpu);
    if (outcome == OUT_SOLO && cpu->budget == budget) cpu->rflags |= FLAG_RF;
    return outcome;
}

// Single step: the trap comes after an instruction that began with TF set, and if BTF was set too, only after a branch.
static enum outcome run_stepped(struct cpu *cpu) {
    bool was_exited = cpu->intercepts.non_root, branches_only = cpu->msr.debugctl & DEBUGCTL_BTF;
    cpu->attempt.trap = 1;
    cpu->rflags &= ~FLAG_RF;
    cpu->attention |= ATTENTION_EVENT; // no chaining into the next block
    enum outcome outcome = run_solo(cpu);
    if (cpu->attempt.trap && was_exited == cpu->intercepts.non_root && (!branches_only || branched(cpu))) {
        cpu->boundary.pending_debug |= DEBUG_BS;
        cpu_pend(cpu, PENDING_DEBUG, true);
    }
    cpu->attempt.trap = 0;
    return outcome;
}

// --- observation ---

static enum run_result run_stopped(struct cpu *cpu) {
    enum run_result result = cpu->observation.stop == STOPPING_HOLD ? RUN_HELD : RUN_STOPPED;
    cpu->observation.stop = STOPPING_NO;
    return result;
}

// At a boundary, before its next event: one that is to be held goes on to the attempt.
static bool stops_at_once(const struct cpu *cpu) {
    return cpu->observation.stop == STOPPING_ASKED || cpu_boundary_events(cpu) >= cpu->observation.hold_events;
}

void cpu_hold(struct cpu *cpu, uint32_t events) {
    if (cpu->observation.stop == STOPPING_NO) cpu->observation.stop = STOPPING_HOLD;
    cpu->observation.hold_events = events;
}

void cpu_let_go(struct cpu *cpu) {
    if (cpu->observation.stop == STOPPING_HOLD) cpu->observation.stop = STOPPING_NO;
}

// Counted: a position in a run may lie between two events.
static enum outcome take_next_event(struct cpu *cpu) {
    struct observation *o = &cpu->observation;
    uint32_t events = o->events, had = cpu_boundary_events(cpu);
    uint32_t activity = cpu->boundary.activity;
    enum outcome outcome = boundary_take(cpu);
    if (o->events == events && cpu->boundary.activity == activity) return outcome;
    o->boundary_step = cpu->time.steps;
    o->boundary_cycle = cpu_cycles_now(cpu);
    o->boundary_events = had + 1;
    return outcome;
}

uint32_t cpu_boundary_events(const struct cpu *cpu) {
    const struct observation *o = &cpu->observation;
    bool same = o->boundary_step == cpu->time.steps && o->boundary_cycle == cpu_cycles_now(cpu);
    return same ? o->boundary_events : 0;
}

// Before an attempt, after the events that come first at this boundary. True: stop here.
static bool run_observed(struct cpu *cpu, bool *alone) {
    if (!cpu->observation.stop && cpu->observation.doing && observe_before(cpu, fetch_linear(cpu))) {
        *alone = true;
        cpu->attention |= ATTENTION_EVENT; // no chaining into the next block
    }
    return cpu->observation.stop;
}

static bool shadowed(const struct cpu *cpu) { return cpu_sti_shadow(cpu) || cpu_mov_ss_shadow(cpu); }

// --- attempts ---

ALWAYS_INLINE enum outcome attempt(struct cpu *cpu, bool alone) {
    if (unlikely(code_breakpoints(cpu))) return run_breakpoint(cpu);
    if (unlikely(cpu->rflags & (FLAG_TF | FLAG_RF)))
        return cpu->rflags & FLAG_TF ? run_stepped(cpu) : run_resumed(cpu, alone);
    return alone ? run_solo(cpu) : run_blocks(cpu);
}

static void budget_set(struct cpu *cpu, uint64_t steps) {
    cpu->attempt.step_limit = cpu->time.steps + steps;
    cpu->budget = (int64_t)steps;
}

// What the attempt at `r` took. During the attempt its cycles are not known: time stands at its beginning.
static void charge(struct cpu *cpu, const struct retired *r, uint64_t before) {
    const struct timing *timing = cpu->wire.timing;
    cpu->attempt.uncharged = 0;
    steps_settle(cpu);
    if (cpu->time.steps == before) return;
    cpu->time.surplus_cycles += timing->retire(timing->state, cpu, r) - (cpu->time.steps - r->step);
    if (cpu_cycles_now(cpu) >= cpu->attempt.cycle_limit) budget_set(cpu, 0);
}

// Under a model that sees each attempt, as many as follow each other without the run loop; only the last one is left to
// be charged, if it was more than begun.
static COLD enum outcome attempt_timed(struct cpu *cpu, bool after_event, bool alone) {
    struct retired r = {.step = cpu->time.steps, .rip = cpu->rip, .after_event = after_event};
    uint64_t unretired = cpu->time.unretired, before = r.step;
    cpu->attempt.uncharged = 1;
    cpu->attempt.begun = 0;
    cpu->attempt.after_event = after_event;
    cpu->block = NULL;
    enum outcome outcome = attempt(cpu, alone);
    r.op = cpu->block ? cpu->block->ops : NULL;
    r.retired = cpu->time.unretired == unretired;
    if (cpu->mode & MODE_TIMED) {
        steps_settle(cpu);
        r.step = cpu->time.steps - (outcome != OUT_SOLO);
        r.begun = cpu->attempt.begun;
        r.stopped = outcome == OUT_SOLO;
    }
    charge(cpu, &r, before);
    return outcome;
}

// A guest that a VM entry put into the shutdown state waits there, as for an interrupt: the machine is not told.
static enum run_result asleep(const struct cpu *cpu) {
    return cpu->boundary.activity == ACTIVITY_SHUTDOWN && !cpu->intercepts.non_root ? RUN_SHUTDOWN : RUN_HALTED;
}

static enum run_result run_uncounted(struct cpu *cpu, uint64_t steps, uint64_t cycle) {
    uint64_t now = cpu_cycles_now(cpu), cycles = cycle > now ? cycle - now : 0;
    cpu->attempt.cycle_limit = cycle;
    cpu->attempt.work_left = CPU_WORK;
    if (steps > INT64_MAX / 2) steps = INT64_MAX / 2;
    if (cycles < steps && (cycles == 0 || !cpu->wire.timing)) steps = cycles;
    budget_set(cpu, steps);
    enum outcome outcome = OUT_OK;
    struct went from = {0}; // where each attempt is looked at
    while (cpu->budget > 0) {
        steps_settle(cpu);
        if (unlikely(cpu->observation.stop) && stops_at_once(cpu)) return run_stopped(cpu);
        if (cpu->attention & ATTENTION_MACHINE) {
            cpu->attention &= ~ATTENTION_MACHINE;
            return RUN_ATTENTION;
        }
        cpu->attention = 0;
        bool held = cpu->boundary.held_step == cpu->time.steps;
        uint32_t events = cpu->observation.events;
        bool alone = outcome == OUT_SOLO || held || (cpu->boundary.pending && shadowed(cpu));
        if (unlikely(cpu->performance.each)) from = went_from(cpu);
        outcome = cpu->boundary.pending && !held ? take_next_event(cpu) : OUT_OK;
        if (cpu->boundary.activity != ACTIVITY_ACTIVE) return asleep(cpu);
        if (outcome == OUT_STOP) continue;
        if (unlikely(cpu->intercepts.again)) {
            cpu->intercepts.again = false;
            continue;
        }
        if (unlikely(cpu->performance.each)) {
            if (cpu->observation.events != events) note_event(cpu, &from);
            from = went_from(cpu);
            cpu->attention |= ATTENTION_EVENT; // alone, and no chaining into the next block
        }
        if (cpu->boundary.pending && cpu->observation.events != events) cpu->attention |= ATTENTION_EVENT;
        if (cpu->attention & ATTENTION_EVENT) alone = true; // another event waits behind the one just taken
        if (cpu->boundary.pending && (held || shadowed(cpu)))
            cpu->attention |= ATTENTION_EVENT; // look again after one instruction
        if (unlikely(cpu->observation.doing | cpu->observation.stop)) {
            bool after_event = held || cpu->observation.events != events;
            bool stop = run_observed(cpu, &alone);
            if (stop && after_event) cpu->boundary.held_step = cpu->time.steps;
            if (stop) return run_stopped(cpu);
            if (cpu->wire.timing) {
                bool each = !(cpu->mode & MODE_TIMED) || cpu->observation.doing != OBSERVING_TIME;
                outcome = attempt_timed(cpu, after_event, alone || each);
                if (unlikely(cpu->performance.each)) note_attempt(cpu, &from);
                continue;
            }
        }
        outcome = attempt(cpu, alone);
        if (unlikely(cpu->performance.each)) note_attempt(cpu, &from);
    }
    steps_settle(cpu);
    return RUN_BUDGET;
}

// From one look at the counters to the next one.
static COLD enum run_result run_counted(struct cpu *cpu, uint64_t steps, uint64_t cycle) {
    uint64_t end = steps > ~0ull - cpu->time.steps ? ~0ull : cpu->time.steps + steps;
    for (;;) {
        uint64_t most = end - cpu->time.steps, until = cycle;
        performance_limits(cpu, &most, &until);
        enum run_result result = run_uncounted(cpu, most, until);
        performance_look(cpu);
        if (result != RUN_BUDGET || cpu->time.steps >= end || cpu_cycles_now(cpu) >= cycle) return result;
    }
}

static enum run_result run(struct cpu *cpu, uint64_t steps, uint64_t cycle) {
    return unlikely(cpu->performance.on) ? run_counted(cpu, steps, cycle) : run_uncounted(cpu, steps, cycle);
}

// Programs begin with rounding to nearest; one that embeds the machine may have chosen another.
static bool host_rounds_to_nearest(void) {
    volatile double one = 1, little = 0x1p-60;
    return one + little == one && one - little == one;
}

// Step by step, as somebody looks at each. What the machine has to do at a step comes before that.
static COLD enum run_result run_each(struct cpu *cpu, uint64_t steps, uint64_t cycle) {
    uint64_t end = steps > ~0ull - cpu->time.steps ? ~0ull : cpu->time.steps + steps;
    for (;;) {
        enum run_result result = run(cpu, 1, cycle);
        if (result != RUN_BUDGET || cpu->time.steps >= end || cpu_cycles_now(cpu) >= cycle) return result;
        if (!(cpu->attention & ATTENTION_MACHINE) && each_step_tell(cpu)) return RUN_STOPPED;
    }
}

enum run_result cpu_run_until(struct cpu *cpu, uint64_t steps, uint64_t cycle) {
    bool sound = cpu_sound(cpu);
    cpu->host_rounding = host_rounds_to_nearest() ? 0 : 3 << 13;
    enum run_result result = each_step_wanted(cpu) ? run_each(cpu, steps, cycle) : run(cpu, steps, cycle);
    INVARIANT(cpu->budget >= 0 && cpu->time.steps == cpu->attempt.step_limit - (uint64_t)cpu->budget);
    cpu_stays_sound(cpu, sound);
    return result;
}

enum run_result cpu_run(struct cpu *cpu, uint64_t steps) { return cpu_run_until(cpu, steps, ~0ull); }
