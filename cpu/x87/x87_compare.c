// x87 comparison and classification: FCOM, FUCOM, FICOM, FTST, FXAM, FCOMI, FUCOMI, and FCMOV. SDM Vol.
// 1, 8.3.3, 8.3.6.
//
// With an unmasked exception the manual leaves the condition codes as they were ("IF FPUControlWord.IM = 1 THEN ...");
// processors report the relation all the same, and only do not pop. Here they are processors. FCOMI leaves C1 alone but
// for a stack fault, where the manual says that it is cleared.
#include "cpu/engine/body.h"
#include "cpu/x87/x87_quick.h"

typedef enum float_relation f80_relation(struct f80 a, struct f80 b, struct float_env *env);
enum result { TO_STATUS, TO_EFLAGS }; // C3, C2 and C0; or ZF, PF and CF

static void set_conditions(struct cpu *cpu, unsigned conditions) {
    cpu->fpu.x87.status = (uint16_t)((cpu->fpu.x87.status & ~X87_CONDITIONS) | conditions);
}

// Ends a comparison.
static enum outcome report(struct cpu *cpu, const struct op *op, bool memory, enum float_relation relation,
                           unsigned flags, bool blocked, enum result result, unsigned pops) {
    bool c1 = result == TO_EFLAGS && !(flags & X87_SF) && cpu->fpu.x87.status & FLOAT_C1;
    x87_end(cpu, op, memory, flags, c1);
    if (result == TO_EFLAGS)
        flags_set(&cpu->flags, relation); // OF, SF and AF are cleared
    else
        set_conditions(cpu, (unsigned)relation << 8);
    if (blocked) return OUT_OK;
    while (pops--) x87_pop(cpu);
    return OUT_OK;
}
static enum outcome compare(struct cpu *cpu, const struct op *op, bool memory, bool empty, struct f80 b,
                            f80_relation *fn, struct float_env *env, enum result result, unsigned pops) {
    if (empty) return report(cpu, op, memory, FLOAT_UNORDERED, X87_STACK_FAULT, !x87_invalid_masked(cpu), result, pops);
    enum float_relation relation = fn(x87_get(cpu, 0), b, env);
    return report(cpu, op, memory, relation, env->flags, float_env_blocked(env), result, pops);
}
static enum outcome compare_register(struct cpu *cpu, const struct op *op, unsigned i, f80_relation *fn,
                                     enum result result, unsigned pops) {
    TRY(x87_wait(cpu));
    struct float_env env = x87_env(cpu);
    bool empty = x87_is_empty(cpu, 0) || x87_is_empty(cpu, i);
    return compare(cpu, op, false, empty, x87_get(cpu, i), fn, &env, result, pops);
}
static enum outcome compare_memory(struct cpu *cpu, const struct op *op, bool integer, unsigned w, uint64_t bits,
                                   unsigned pops) {
    struct float_env env = x87_env(cpu);
    struct f80 b = integer   ? f80_from_i64(w == 16 ? (int16_t)bits : (int32_t)bits)
                   : w == 32 ? f80_from_f32((f32)bits, &env)
                             : f80_from_f64(bits, &env);
    return compare(cpu, op, true, x87_is_empty(cpu, 0), b, f80_compare_ordered, &env, TO_STATUS, pops);
}

#define FORMS_FLOAT(X, n) X(n, RR, 32) X(n, M, 32) X(n, M, 64)
#define FORMS_INTEGER(X, n) X(n, M, 16) X(n, M, 32)
#define FORMS_RR(X, n) X(n, RR, 32)

#define COMPARE(name, integer, pops)                                                                                   \
    BODY(name) {                                                                                                       \
        uint64_t bits = 0;                                                                                             \
        if (F == FORM_RR) return compare_register(cpu, op, op->src, f80_compare_ordered, TO_STATUS, pops);             \
        TRY(x87_wait(cpu));                                                                                            \
        TRY(source(cpu, op, F, W, &bits));                                                                             \
        return compare_memory(cpu, op, integer, W, bits, pops);                                                        \
    }
COMPARE(fcom, false, 0)
INSTANTIATE(fcom, NEXT, FORMS_FLOAT)
COMPARE(fcomp, false, 1)
INSTANTIATE(fcomp, NEXT, FORMS_FLOAT)
COMPARE(ficom, true, 0)
INSTANTIATE(ficom, NEXT, FORMS_INTEGER)
COMPARE(ficomp, true, 1)
INSTANTIATE(ficomp, NEXT, FORMS_INTEGER)

#define COMPARE_REGISTER(name, forms, i, fn, result, pops)                                                             \
    BODY(name) {                                                                                                       \
        BODY_UNUSED;                                                                                                   \
        if (F & FORM_FAST) return quick_compare(cpu, op, i, result == TO_EFLAGS, pops);                                \
        return compare_register(cpu, op, i, fn, result, pops);                                                         \
    }                                                                                                                  \
    INSTANTIATE(name, FAST, forms)
COMPARE_REGISTER(fcompp, FORMS_ONE_NONE, 1, f80_compare_ordered, TO_STATUS, 2)
COMPARE_REGISTER(fucompp, FORMS_ONE_NONE, 1, f80_compare_unordered, TO_STATUS, 2)
COMPARE_REGISTER(fucom, FORMS_RR, op->src, f80_compare_unordered, TO_STATUS, 0)
COMPARE_REGISTER(fucomp, FORMS_RR, op->src, f80_compare_unordered, TO_STATUS, 1)
COMPARE_REGISTER(fcomi, FORMS_RR, op->src, f80_compare_ordered, TO_EFLAGS, 0)
COMPARE_REGISTER(fcomip, FORMS_RR, op->src, f80_compare_ordered, TO_EFLAGS, 1)
COMPARE_REGISTER(fucomi, FORMS_RR, op->src, f80_compare_unordered, TO_EFLAGS, 0)
COMPARE_REGISTER(fucomip, FORMS_RR, op->src, f80_compare_unordered, TO_EFLAGS, 1)

BODY(ftst) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    struct float_env env = x87_env(cpu);
    return compare(cpu, op, false, x87_is_empty(cpu, 0), F80_ZERO, f80_compare_ordered, &env, TO_STATUS, 0);
}
INSTANTIATE(ftst, NEXT, FORMS_ONE_NONE)

// FXAM: an empty register is C3 = 1, C2 = 0, C0 = 1, with the sign that it holds.
BODY(fxam) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    struct f80 a = x87_get(cpu, 0);
    unsigned sign = a.sign_exponent >> 15 ? FLOAT_C1 : 0;
    x87_end(cpu, op, false, 0, false);
    set_conditions(cpu, x87_is_empty(cpu, 0) ? FLOAT_C3 | FLOAT_C0 | sign : f80_examine(a));
    return OUT_OK;
}
INSTANTIATE(fxam, NEXT, FORMS_ONE_NONE)

// FCMOVcc: the conditions of CMOVcc; a stack fault does not depend on the condition.
static enum outcome move_if(struct cpu *cpu, const struct op *op, unsigned condition) {
    TRY(x87_wait(cpu));
    if (x87_is_empty(cpu, 0) || x87_is_empty(cpu, op->src)) {
        x87_end(cpu, op, false, X87_STACK_FAULT, false);
        if (x87_invalid_masked(cpu)) x87_set(cpu, 0, F80_INDEFINITE);
        return OUT_OK;
    }
    x87_end(cpu, op, false, 0, cpu->fpu.x87.status & FLOAT_C1);
    if (flags_condition(&cpu->flags, condition)) x87_set(cpu, 0, x87_get(cpu, op->src));
    return OUT_OK;
}
#define MOVE_IF(name, condition)                                                                                       \
    BODY(name) {                                                                                                       \
        BODY_UNUSED;                                                                                                   \
        return move_if(cpu, op, condition);                                                                            \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_RR)
MOVE_IF(fcmovb, 2)
MOVE_IF(fcmovnb, 3)
MOVE_IF(fcmove, 4)
MOVE_IF(fcmovne, 5)
MOVE_IF(fcmovbe, 6)
MOVE_IF(fcmovnbe, 7)
MOVE_IF(fcmovu, 10)
MOVE_IF(fcmovnu, 11)
