// Near transfers: Jcc JMP CALL RET LOOP JRCXZ. SDM Vol. 2. Far transfers are in cpu/branch/far.c.
// A target outside the code segment's limit, or not canonical in 64-bit mode, is #GP(0) with nothing changed.
#include "cpu/branch/branch_body.h"
#include "cpu/state/condition.h"
#include "cpu/engine/run.h"

#define FORMS_RELATIVE(X, n) WIDTHS_WORD(X, n, I)
#define FORMS_INDIRECT(X, n) WIDTHS_WORD(X, n, R) WIDTHS_WORD(X, n, M)
#define FORMS_RET(X, n) WIDTHS_WORD(X, n, NONE)
#define FORMS_RET_RELEASE(X, n) WIDTHS_WORD(X, n, I)

// In 64-bit code a direct branch goes by the block's links (cpu/engine/run.h); the widths of legacy code look their
// target up.
#define INSTANTIATE_DIRECT(name)                                                                                       \
    WIDTHS_LEGACY(HANDLER_BRANCH, name, I)                                                                             \
    const struct body body_##name = {#name, FLAGS_UNKNOWN, {WIDTHS_LEGACY(ENTRY, name, I)[FORM_I][W64] = name##_I_64}};
#define WIDTHS_LEGACY(X, n, f) X(n, f, 16) X(n, f, 32)

BODY(jmp) { return jump_to(cpu, F, W, relative_target(cpu, op, W)); }
static enum outcome jmp_I_64(struct cpu *cpu, const struct op *op) {
    cpu->rip += (uint64_t)op->disp;
    FOLLOW_FAR(cpu, op);
}
INSTANTIATE_DIRECT(jmp)

BODY(jmp_indirect) {
    uint64_t target = 0;
    TRY(source(cpu, op, F, W, &target));
    return jump_to(cpu, F, W, target);
}
INSTANTIATE(jmp_indirect, FAST_BRANCH, FORMS_INDIRECT)

ALWAYS_INLINE enum outcome branch_if(struct cpu *cpu, const struct op *op, unsigned w, bool taken) {
    if (taken) return jump_to(cpu, FORM_I, w, relative_target(cpu, op, w));
    cpu->rip = op_next_rip(cpu, op);
    return OUT_OK;
}
#define JUMP_IF(cc, number)                                                                                            \
    BODY(j##cc) {                                                                                                      \
        (void)F;                                                                                                       \
        return branch_if(cpu, op, W, flags_condition(&cpu->flags, number));                                            \
    }                                                                                                                  \
    static enum outcome j##cc##_I_64(struct cpu *cpu, const struct op *op) {                                           \
        FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, number));                                                  \
    }                                                                                                                  \
    INSTANTIATE_DIRECT(j##cc)
CONDITIONS(JUMP_IF)

#ifdef VMXRAY_STENCIL
#define STENCIL_IF(cc, number)                                                                                         \
    STENCIL st__j##cc##__I__64(struct cpu *cpu) {                                                                      \
        const struct op op = STENCIL_OP;                                                                               \
        FOLLOW_EITHER(cpu, &op, flags_condition(&cpu->flags, number));                                                 \
    }
CONDITIONS(STENCIL_IF)

STENCIL st__jmp__I__64(struct cpu *cpu) {
    const struct op op = STENCIL_OP;
    cpu->rip += (uint64_t)op.disp;
    FOLLOW_FAR(cpu, &op);
}
STENCIL st__call__I__64(struct cpu *cpu) {
    const struct op op = STENCIL_OP;
    if (unlikely(call_inline(cpu, &op, (enum form)(FORM_I | FORM_FAST), 64) != OUT_OK)) return way_miss(cpu);
    call_noted(cpu);
    FOLLOW_FAR(cpu, &op);
}
STENCIL st__ret__NONE__64(struct cpu *cpu) {
    const struct op op = STENCIL_OP;
    if (unlikely(ret_inline(cpu, &op, (enum form)(FORM_NONE | FORM_FAST), 64) != OUT_OK)) return way_miss(cpu);
    FOLLOW_RETURN(cpu, &op);
}
#endif

ALWAYS_INLINE void counter_set(struct cpu *cpu, const struct op *op, uint64_t v) {
    reg_set(cpu, RCX * 8, op->ea & EA_ADDRESS64 ? 64 : op->ea & EA_ADDRESS32 ? 32 : 16, v);
}
ALWAYS_INLINE enum outcome loop_if(struct cpu *cpu, const struct op *op, unsigned w, bool condition) {
    uint64_t count = op_counter(cpu, op) - 1;
    bool zero = op->ea & EA_ADDRESS64   ? count == 0
                : op->ea & EA_ADDRESS32 ? (uint32_t)count == 0
                                        : (uint16_t)count == 0;
    TRY(branch_if(cpu, op, w, !zero && condition));
    counter_set(cpu, op, count);
    return OUT_OK;
}
#define LOOP(name, condition)                                                                                          \
    BODY(name) {                                                                                                       \
        (void)F;                                                                                                       \
        return loop_if(cpu, op, W, condition);                                                                         \
    }                                                                                                                  \
    INSTANTIATE(name, BRANCH, FORMS_RELATIVE)
LOOP(loop, true)
LOOP(loope, flags_zf(&cpu->flags))
LOOP(loopne, !flags_zf(&cpu->flags))

BODY(jrcxz) {
    (void)F;
    return branch_if(cpu, op, W, op_counter(cpu, op) == 0);
}
INSTANTIATE(jrcxz, BRANCH, FORMS_RELATIVE)

static COLD enum outcome call_I_64_plain(struct cpu *cpu, const struct op *op) {
    enum outcome outcome = call_inline(cpu, op, FORM_I, 64);
    if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);
    call_noted(cpu);
    FOLLOW_FAR(cpu, op);
}
static enum outcome call_I_64(struct cpu *cpu, const struct op *op) {
    if (unlikely(call_inline(cpu, op, (enum form)(FORM_I | FORM_FAST), 64) != OUT_OK)) TAIL call_I_64_plain(cpu, op);
    call_noted(cpu);
    FOLLOW_FAR(cpu, op);
}
INSTANTIATE_DIRECT(call)

BODY(call_indirect) {
    uint64_t target = 0;
    TRY(source(cpu, op, F, W, &target));
    TRY(call_to(cpu, op, F, W, target));
    if (W == 64) call_noted(cpu);
    return OUT_OK;
}
INSTANTIATE(call_indirect, FAST_BRANCH, FORMS_INDIRECT)

// In 64-bit code returns go by what followed their calls (cpu/engine/run.h).
static COLD enum outcome ret_NONE_64_plain(struct cpu *cpu, const struct op *op) {
    enum outcome outcome = ret_inline(cpu, op, FORM_NONE, 64);
    if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);
    FOLLOW_RETURN(cpu, op);
}
static enum outcome ret_NONE_64(struct cpu *cpu, const struct op *op) {
    if (unlikely(ret_inline(cpu, op, (enum form)(FORM_NONE | FORM_FAST), 64) != OUT_OK))
        TAIL ret_NONE_64_plain(cpu, op);
    FOLLOW_RETURN(cpu, op);
}
#define FORMS_RET_LEGACY(X, n) WIDTHS_LEGACY(X, n, NONE)
FORMS_RET_LEGACY(HANDLER_BRANCH, ret)
const struct body body_ret = {"ret", FLAGS_UNKNOWN, {FORMS_RET_LEGACY(ENTRY, ret)[FORM_NONE][W64] = ret_NONE_64}};

BODY(ret_release) {
    uint64_t target = 0;
    TRY(stack_top(cpu, F, W, &target));
    TRY(jump_to(cpu, F, W, target));
    stack_pointer_add(cpu, W / 8 + (uint16_t)op->imm);
    return OUT_OK;
}
INSTANTIATE(ret_release, FAST_BRANCH, FORMS_RET_RELEASE)
