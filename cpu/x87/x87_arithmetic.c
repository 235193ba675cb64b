// x87 arithmetic: FADD to FDIVR, FSQRT, FRNDINT, FSCALE, FPREM, FXTRACT, FCHS, FABS. SDM Vol. 1, 8.3.5, 8.5.
//
// An unmasked invalid, denormal or zero-divide exception leaves registers and stack as they were; the handler is
// invoked by the next waiting instruction. A stack fault comes before all else.
#include "cpu/engine/body.h"
#include "cpu/x87/x87_quick.h"

typedef struct f80 f80_binary(struct f80 a, struct f80 b, struct float_env *env);
typedef struct f80 f80_unary(struct f80 a, struct float_env *env);

// The result of an instruction that found `empty` operands: #IS, and the indefinite in ST(dst) when that is masked.
static enum outcome underflow(struct cpu *cpu, const struct op *op, bool memory, unsigned dst, bool pop) {
    x87_end(cpu, op, memory, X87_STACK_FAULT, false);
    if (!x87_invalid_masked(cpu)) return OUT_OK;
    x87_set(cpu, dst, F80_INDEFINITE);
    if (pop) x87_pop(cpu);
    return OUT_OK;
}
static enum outcome finish(struct cpu *cpu, const struct op *op, bool memory, unsigned dst, struct f80 r,
                           const struct float_env *env, bool pop) {
    x87_end(cpu, op, memory, env->flags, env->round_up);
    if (float_env_blocked(env)) return OUT_OK;
    x87_set(cpu, dst, r);
    if (pop) x87_pop(cpu);
    return OUT_OK;
}

// ST(dst) = ST(dst) op ST(src), or the operands the other way round.
static enum outcome registers(struct cpu *cpu, const struct op *op, f80_binary *fn, bool reverse, bool pop) {
    TRY(x87_wait(cpu));
    if (x87_is_empty(cpu, op->dst) || x87_is_empty(cpu, op->src)) return underflow(cpu, op, false, op->dst, pop);
    struct float_env env = x87_env(cpu);
    struct f80 a = x87_get(cpu, op->dst), b = x87_get(cpu, op->src);
    struct f80 r = reverse ? fn(b, a, &env) : fn(a, b, &env);
    return finish(cpu, op, false, op->dst, r, &env, pop);
}
// ST(0) = ST(0) op memory: a float of 32 or 64 bits, or an integer of 16 or 32.
static enum outcome memory(struct cpu *cpu, const struct op *op, f80_binary *fn, bool reverse, bool integer, unsigned w,
                           uint64_t bits) {
    if (x87_is_empty(cpu, 0)) return underflow(cpu, op, true, 0, false);
    struct float_env env = x87_env(cpu);
    struct f80 a = x87_get(cpu, 0);
    struct f80 b = integer   ? f80_from_i64(w == 16 ? (int16_t)bits : (int32_t)bits)
                   : w == 32 ? f80_from_f32((f32)bits, &env)
                             : f80_from_f64(bits, &env);
    struct f80 r = reverse ? fn(b, a, &env) : fn(a, b, &env);
    return finish(cpu, op, true, 0, r, &env, false);
}

#define FORMS_FLOAT(X, n) X(n, RR, 32) X(n, M, 32) X(n, M, 64)
#define FORMS_INTEGER(X, n) X(n, M, 16) X(n, M, 32)
#define FORMS_RR(X, n) X(n, RR, 32)

// ARITHMETIC(add, ...): fadd with a register, or a float in memory; faddp; fiadd.
#define ARITHMETIC(name, fn, quick, reverse)                                                                           \
    BODY(f##name) {                                                                                                    \
        uint64_t bits = 0;                                                                                             \
        if (F == (FORM_RR | FORM_FAST)) return quick_registers(cpu, op, quick, reverse, false);                        \
        if (F & FORM_FAST) return quick_memory(cpu, op, F, W, false, quick, reverse);                                  \
        if (F == FORM_RR) return registers(cpu, op, fn, reverse, false);                                               \
        TRY(x87_wait(cpu));                                                                                            \
        TRY(source(cpu, op, F, W, &bits));                                                                             \
        return memory(cpu, op, fn, reverse, false, W, bits);                                                           \
    }                                                                                                                  \
    INSTANTIATE(f##name, FAST, FORMS_FLOAT)                                                                            \
    BODY(f##name##p) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        if (F & FORM_FAST) return quick_registers(cpu, op, quick, reverse, true);                                      \
        return registers(cpu, op, fn, reverse, true);                                                                  \
    }                                                                                                                  \
    INSTANTIATE(f##name##p, FAST, FORMS_RR)                                                                            \
    BODY(fi##name) {                                                                                                   \
        uint64_t bits = 0;                                                                                             \
        if (F & FORM_FAST) return quick_memory(cpu, op, F, W, true, quick, reverse);                                   \
        TRY(x87_wait(cpu));                                                                                            \
        TRY(source(cpu, op, F, W, &bits));                                                                             \
        return memory(cpu, op, fn, reverse, true, W, bits);                                                            \
    }                                                                                                                  \
    INSTANTIATE(fi##name, FAST, FORMS_INTEGER)
ARITHMETIC(add, f80_add, quick_add, false)
ARITHMETIC(mul, f80_mul, quick_mul, false)
ARITHMETIC(sub, f80_sub, quick_sub, false)
ARITHMETIC(subr, f80_sub, quick_sub, true)
ARITHMETIC(div, f80_div, quick_div, false)
ARITHMETIC(divr, f80_div, quick_div, true)

// --- ST(0) = f(ST(0)) ---
static enum outcome unary(struct cpu *cpu, const struct op *op, f80_unary *fn) {
    TRY(x87_wait(cpu));
    if (x87_is_empty(cpu, 0)) return underflow(cpu, op, false, 0, false);
    struct float_env env = x87_env(cpu);
    struct f80 r = fn(x87_get(cpu, 0), &env);
    return finish(cpu, op, false, 0, r, &env, false);
}
static struct f80 negate(struct f80 a, struct float_env *env) {
    (void)env;
    return f80_negate(a);
}
static struct f80 absolute(struct f80 a, struct float_env *env) {
    (void)env;
    return f80_absolute(a);
}

#define UNARY(name, fn)                                                                                                \
    BODY(name) {                                                                                                       \
        BODY_UNUSED;                                                                                                   \
        return unary(cpu, op, fn);                                                                                     \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_ONE_NONE)
UNARY(fsqrt, f80_sqrt)
UNARY(frndint, f80_round)
#define SIGN(name, fn, e)                                                                                              \
    BODY(name) {                                                                                                       \
        BODY_UNUSED;                                                                                                   \
        if (!(F & FORM_FAST)) return unary(cpu, op, fn);                                                               \
        struct x87_register *st = quick_register(cpu, 0);                                                              \
        if (!quick_begins(cpu, F) || x87_is_empty(cpu, 0)) return OUT_MISS;                                            \
        st->sign_exponent = (uint16_t)(e);                                                                             \
        quick_end(cpu, op, false, 0, QUICK_BUT_C1, 0);                                                                 \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, FAST, FORMS_ONE_NONE)
SIGN(fchs, negate, st->sign_exponent ^ 0x8000)
SIGN(fabs, absolute, st->sign_exponent & 0x7fff)

BODY(fscale) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    if (x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1)) return underflow(cpu, op, false, 0, false);
    struct float_env env = x87_env(cpu);
    struct f80 r = f80_scale(x87_get(cpu, 0), x87_get(cpu, 1), &env);
    return finish(cpu, op, false, 0, r, &env, false);
}
INSTANTIATE(fscale, NEXT, FORMS_ONE_NONE)

// FPREM, FPREM1: the quotient's low bits are in C0, C3, C1; C2 says that the reduction is incomplete. Without a
// quotient (a NaN results) processors clear C1 and C2 and leave C0 and C3; the manual says nothing of these.
typedef struct f80 f80_partial(struct f80 a, struct f80 b, uint16_t *conditions, struct float_env *env);
static enum outcome partial_remainder(struct cpu *cpu, const struct op *op, f80_partial *fn) {
    TRY(x87_wait(cpu));
    cpu->fpu.x87.status &= (uint16_t)~FLOAT_C2;
    if (x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1)) return underflow(cpu, op, false, 0, false);
    struct float_env env = x87_env(cpu);
    uint16_t conditions = 0;
    struct f80 r = fn(x87_get(cpu, 0), x87_get(cpu, 1), &conditions, &env);
    bool nan = (r.sign_exponent & 0x7fff) == 0x7fff;
    x87_end(cpu, op, false, env.flags, false);
    if (float_env_blocked(&env)) return OUT_OK;
    x87_set(cpu, 0, r);
    if (!nan) cpu->fpu.x87.status = (uint16_t)((cpu->fpu.x87.status & ~X87_CONDITIONS) | conditions);
    return OUT_OK;
}
BODY(fprem) {
    BODY_UNUSED;
    return partial_remainder(cpu, op, f80_remainder);
}
INSTANTIATE(fprem, NEXT, FORMS_ONE_NONE)
BODY(fprem1) {
    BODY_UNUSED;
    return partial_remainder(cpu, op, f80_remainder_nearest);
}
INSTANTIATE(fprem1, NEXT, FORMS_ONE_NONE)

// FXTRACT: the exponent replaces ST(0), the significand is pushed.
BODY(fxtract) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    bool empty = x87_is_empty(cpu, 0), overflow = !x87_is_empty(cpu, 7);
    struct float_env env = x87_env(cpu);
    struct f80 exponent = F80_INDEFINITE, significand = F80_INDEFINITE;
    if (empty || overflow) {
        x87_end(cpu, op, false, X87_STACK_FAULT, !empty);
        if (!x87_invalid_masked(cpu)) return OUT_OK;
    } else {
        significand = f80_extract(x87_get(cpu, 0), &exponent, &env);
        x87_end(cpu, op, false, env.flags, env.round_up);
        if (float_env_blocked(&env)) return OUT_OK;
    }
    x87_set(cpu, 0, exponent);
    x87_push(cpu, significand);
    return OUT_OK;
}
INSTANTIATE(fxtract, NEXT, FORMS_ONE_NONE)
