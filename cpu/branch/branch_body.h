// Bodies of near calls and returns: branch.c makes handlers of them, pair.c handlers together with what precedes. SDM
// Vol. 2.
#ifndef CPU_BRANCH_BODY_H
#define CPU_BRANCH_BODY_H
#include "cpu/engine/body.h"
#include "cpu/event/segment.h"
#include "cpu/integer/stack.h"

// A target that agrees with a canonical RIP in bits 63:46 is canonical.
ALWAYS_INLINE enum outcome target_check(struct cpu *cpu, enum form f, unsigned w, uint64_t target) {
    if (w == 64 && likely((target ^ cpu->rip) >> 46 == 0)) return OUT_OK;
    return f & FORM_FAST ? OUT_MISS : near_target(cpu, target);
}
ALWAYS_INLINE enum outcome jump_to(struct cpu *cpu, enum form f, unsigned w, uint64_t target) {
    TRY(target_check(cpu, f, w, target));
    cpu->rip = target;
    return OUT_OK;
}
ALWAYS_INLINE uint64_t relative_target(const struct cpu *cpu, const struct op *op, unsigned w) {
    return (cpu->rip + (uint64_t)op->disp) & MASK(w);
}

// Of a 64-bit call to a target that is not canonical the return address has been written (a habit of Intel's
// processors; AMD's write nothing).
ALWAYS_INLINE enum outcome call_checked_late(struct cpu *cpu, const struct op *op, enum form f, uint64_t target) {
    uint64_t rsp = cpu->gpr[RSP];
    TRY(stack_push(cpu, f, 64, op_next_rip(cpu, op)));
    enum outcome outcome = target_check(cpu, f, 64, target);
    if (outcome == OUT_OK)
        cpu->rip = target;
    else
        cpu->gpr[RSP] = rsp;
    return outcome;
}
ALWAYS_INLINE enum outcome call_to(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t target) {
    if (w == 64 && !(f & FORM_FAST)) return call_checked_late(cpu, op, f, target);
    TRY(target_check(cpu, f, w, target));
    TRY(stack_push(cpu, f, w, op_next_rip(cpu, op) & MASK(w)));
    cpu->rip = target;
    return OUT_OK;
}
BODY(call) { return call_to(cpu, op, F, W, relative_target(cpu, op, W)); }

BODY(ret) {
    (void)op;
    uint64_t target = 0;
    TRY(stack_top(cpu, F, W, &target));
    TRY(jump_to(cpu, F, W, target));
    stack_drop(cpu, W);
    return OUT_OK;
}

#endif
