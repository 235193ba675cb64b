// x87 transcendental instructions. SDM Vol. 1, 8.3.7, 8.3.10. Operands out of range: C2 = 1 and nothing else changes.
#include "cpu/engine/body.h"
#include "cpu/x87/x87.h"

// ST(0) = f(ST(0)).
BODY(f2xm1) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    struct float_env env = x87_env(cpu);
    bool empty = x87_is_empty(cpu, 0);
    struct f80 r = empty ? F80_INDEFINITE : f80_2xm1(x87_get(cpu, 0), &env);
    x87_end(cpu, op, false, empty ? X87_STACK_FAULT : env.flags, env.round_up);
    if (!(empty ? !x87_invalid_masked(cpu) : float_env_blocked(&env))) x87_set(cpu, 0, r);
    return OUT_OK;
}
INSTANTIATE(f2xm1, NEXT, FORMS_ONE_NONE)

// ST(1) = f(ST(1), ST(0)), then pop.
typedef struct f80 two_operands(struct f80 st1, struct f80 st0, struct float_env *env);
static struct f80 ylog2x(struct f80 y, struct f80 x, struct float_env *env) { return f80_ylog2x(x, y, env); }
static struct f80 ylog2xp1(struct f80 y, struct f80 x, struct float_env *env) { return f80_ylog2xp1(x, y, env); }

static enum outcome combine(struct cpu *cpu, const struct op *op, two_operands *fn) {
    TRY(x87_wait(cpu));
    struct float_env env = x87_env(cpu);
    bool empty = x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1);
    struct f80 r = empty ? F80_INDEFINITE : fn(x87_get(cpu, 1), x87_get(cpu, 0), &env);
    x87_end(cpu, op, false, empty ? X87_STACK_FAULT : env.flags, env.round_up);
    if (empty ? !x87_invalid_masked(cpu) : float_env_blocked(&env)) return OUT_OK;
    x87_set(cpu, 1, r);
    x87_pop(cpu);
    return OUT_OK;
}
BODY(fyl2x) {
    BODY_UNUSED;
    return combine(cpu, op, ylog2x);
}
INSTANTIATE(fyl2x, NEXT, FORMS_ONE_NONE)
BODY(fyl2xp1) {
    BODY_UNUSED;
    return combine(cpu, op, ylog2xp1);
}
INSTANTIATE(fyl2xp1, NEXT, FORMS_ONE_NONE)
BODY(fpatan) {
    BODY_UNUSED;
    return combine(cpu, op, f80_atan);
}
INSTANTIATE(fpatan, NEXT, FORMS_ONE_NONE)

// --- trigonometric: one result, or one that stays in ST(0) and one that is pushed ---
typedef bool trigonometric(struct f80 a, struct f80 *first, struct f80 *second, struct float_env *env);
static bool sine(struct f80 a, struct f80 *first, struct f80 *second, struct float_env *env) {
    (void)second;
    return f80_sin(a, first, env);
}
static bool cosine(struct f80 a, struct f80 *first, struct f80 *second, struct float_env *env) {
    (void)second;
    return f80_cos(a, first, env);
}
// FPTAN pushes 1.0, or its NaN when the result is one.
static bool tangent(struct f80 a, struct f80 *first, struct f80 *second, struct float_env *env) {
    bool in_range = f80_tan(a, first, env);
    *second = in_range && (first->sign_exponent & 0x7fff) == 0x7fff ? *first : F80_ONE;
    return in_range;
}

static enum outcome trigonometry(struct cpu *cpu, const struct op *op, trigonometric *fn, bool pushes) {
    TRY(x87_wait(cpu));
    struct float_env env = x87_env(cpu);
    struct f80 first = F80_INDEFINITE, second = F80_INDEFINITE;
    bool empty = x87_is_empty(cpu, 0), overflow = pushes && !x87_is_empty(cpu, 7), in_range = true;
    if (empty || overflow) {
        x87_end(cpu, op, false, X87_STACK_FAULT, !empty);
        cpu->fpu.x87.status &= (uint16_t)~FLOAT_C2;
        if (!x87_invalid_masked(cpu)) return OUT_OK;
    } else {
        in_range = fn(x87_get(cpu, 0), &first, &second, &env);
        x87_end(cpu, op, false, env.flags, env.round_up);
        cpu->fpu.x87.status = (uint16_t)((cpu->fpu.x87.status & ~FLOAT_C2) | (in_range ? 0 : FLOAT_C2));
        if (float_env_blocked(&env) || !in_range) return OUT_OK;
    }
    x87_set(cpu, 0, first);
    if (pushes) x87_push(cpu, second);
    return OUT_OK;
}
BODY(fsin) {
    BODY_UNUSED;
    return trigonometry(cpu, op, sine, false);
}
INSTANTIATE(fsin, NEXT, FORMS_ONE_NONE)
BODY(fcos) {
    BODY_UNUSED;
    return trigonometry(cpu, op, cosine, false);
}
INSTANTIATE(fcos, NEXT, FORMS_ONE_NONE)
BODY(fsincos) {
    BODY_UNUSED;
    return trigonometry(cpu, op, f80_sincos, true);
}
INSTANTIATE(fsincos, NEXT, FORMS_ONE_NONE)
BODY(fptan) {
    BODY_UNUSED;
    return trigonometry(cpu, op, tangent, true);
}
INSTANTIATE(fptan, NEXT, FORMS_ONE_NONE)
