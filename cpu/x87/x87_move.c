// x87 loads, stores, constants and exchange. SDM Vol. 1, 8.3.3, 8.3.4.
#include "cpu/engine/body.h"
#include "cpu/x87/x87_quick.h"

#define EXTENDED_BYTES 10

static enum outcome load_extended(struct cpu *cpu, const struct op *op, uint8_t image[EXTENDED_BYTES]) {
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, EXTENDED_BYTES, false, &linear));
    return load_bytes(cpu, linear, image, EXTENDED_BYTES);
}
static enum outcome store_extended(struct cpu *cpu, const struct op *op, const uint8_t image[EXTENDED_BYTES]) {
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, EXTENDED_BYTES, true, &linear));
    return store_bytes(cpu, linear, image, EXTENDED_BYTES);
}

// --- loads ---
// Pushes `v`; a full stack is an overflow, and the indefinite is pushed when that is masked. An unmasked denormal
// operand is pushed, too: so do processors, while the manual (8.5.2) says that TOP remains unchanged.
static enum outcome push(struct cpu *cpu, const struct op *op, bool memory, struct f80 v, const struct float_env *env) {
    if (!x87_is_empty(cpu, 7)) {
        x87_end(cpu, op, memory, X87_STACK_FAULT, true);
        if (x87_invalid_masked(cpu)) x87_push(cpu, F80_INDEFINITE);
        return OUT_OK;
    }
    x87_end(cpu, op, memory, env->flags, false);
    if (!(env->flags & ~env->masks & FLOAT_IE)) x87_push(cpu, v);
    return OUT_OK;
}

#define FORMS_FLOAT(X, n) X(n, M, 32) X(n, M, 64)
#define FORMS_INTEGER(X, n) X(n, M, 16) X(n, M, 32) X(n, M, 64)
#define FORMS_STI(X, n) X(n, R, 32)
#define FORMS_M(X, n) X(n, M, 32)

BODY(fld) {
    uint64_t bits = 0;
    struct f80 value;
    if (F & FORM_FAST) {
        if (!quick_begins(cpu, F)) return OUT_MISS;
        TRY(source(cpu, op, F, W, &bits));
        if (bits & MASK(W))
            if (!quick_from_float(W, bits, &value)) return OUT_MISS;
        return quick_push(cpu, op, bits & MASK(W) ? value : F80_ZERO);
    }
    TRY(x87_wait(cpu));
    TRY(source(cpu, op, F, W, &bits));
    struct float_env env = x87_env(cpu);
    struct f80 v = W == 32 ? f80_load_f32((f32)bits, &env) : f80_load_f64(bits, &env);
    return push(cpu, op, true, v, &env);
}
INSTANTIATE(fld, FAST, FORMS_FLOAT)

BODY(fld_extended) {
    BODY_UNUSED;
    uint8_t image[EXTENDED_BYTES];
    if (F & FORM_FAST) {
        const uint8_t *p = quick_begins(cpu, F) ? fast_operand(cpu, op, F, EXTENDED_BYTES, false) : NULL;
        if (!p) return OUT_MISS;
        return quick_push(cpu, op, (struct f80){bytes_get(p, 64), (uint16_t)bytes_get(p + 8, 16)});
    }
    TRY(x87_wait(cpu));
    TRY(load_extended(cpu, op, image));
    struct float_env env = x87_env(cpu);
    return push(cpu, op, true, (struct f80){bytes_get(image, 64), (uint16_t)bytes_get(image + 8, 16)}, &env);
}
INSTANTIATE(fld_extended, FAST, FORMS_M)

BODY(fld_register) {
    BODY_UNUSED;
    if (F & FORM_FAST) {
        if (!quick_begins(cpu, F) || x87_is_empty(cpu, op->dst)) return OUT_MISS;
        return quick_push(cpu, op, x87_get(cpu, op->dst));
    }
    TRY(x87_wait(cpu));
    struct float_env env = x87_env(cpu);
    if (!x87_is_empty(cpu, op->dst)) return push(cpu, op, false, x87_get(cpu, op->dst), &env);
    x87_end(cpu, op, false, X87_STACK_FAULT, false);
    if (x87_invalid_masked(cpu)) x87_push(cpu, F80_INDEFINITE);
    return OUT_OK;
}
INSTANTIATE(fld_register, FAST, FORMS_STI)

BODY(fild) {
    uint64_t bits = 0;
    if (F & FORM_FAST) {
        if (!quick_begins(cpu, F)) return OUT_MISS;
        TRY(source(cpu, op, F, W, &bits));
        return quick_push(cpu, op, bits ? quick_from_integer((int64_t)flags_extend(bits, W)) : F80_ZERO);
    }
    TRY(x87_wait(cpu));
    TRY(source(cpu, op, F, W, &bits));
    struct float_env env = x87_env(cpu);
    return push(cpu, op, true, f80_from_i64((int64_t)flags_extend(bits, W)), &env);
}
INSTANTIATE(fild, FAST, FORMS_INTEGER)

BODY(fbld) {
    BODY_UNUSED;
    uint8_t image[EXTENDED_BYTES];
    TRY(x87_wait(cpu));
    TRY(load_extended(cpu, op, image));
    struct float_env env = x87_env(cpu);
    return push(cpu, op, true, f80_from_bcd(image), &env);
}
INSTANTIATE(fbld, NEXT, FORMS_M)

ALWAYS_INLINE enum outcome push_constant(struct cpu *cpu, const struct op *op, struct f80 v) {
    TRY(x87_wait(cpu));
    struct float_env env = x87_env(cpu);
    return push(cpu, op, false, v, &env);
}
#define CONSTANT(name, value)                                                                                          \
    BODY(name) {                                                                                                       \
        BODY_UNUSED;                                                                                                   \
        if (F & FORM_FAST) return quick_begins(cpu, F) ? quick_push(cpu, op, value) : OUT_MISS;                        \
        return push_constant(cpu, op, value);                                                                          \
    }                                                                                                                  \
    INSTANTIATE(name, FAST, FORMS_ONE_NONE)
#define ROUNDED(constant) f80_constant(constant, (enum float_rounding)x87_env(cpu).rounding)
CONSTANT(fld1, F80_ONE)
CONSTANT(fldz, F80_ZERO)
CONSTANT(fldl2t, ROUNDED(FLOAT_LOG2_10))
CONSTANT(fldl2e, ROUNDED(FLOAT_LOG2_E))
CONSTANT(fldpi, ROUNDED(FLOAT_PI))
CONSTANT(fldlg2, ROUNDED(FLOAT_LOG10_2))
CONSTANT(fldln2, ROUNDED(FLOAT_LN_2))

// --- stores ---
// What is stored for an empty ST(0), when that is masked: the indefinite of each format.
struct stored {
    struct float_env env;
    unsigned flags;
    bool blocked;
};
static bool store_underflow(const struct cpu *cpu, struct stored *s) {
    s->env = x87_env(cpu);
    if (!x87_is_empty(cpu, 0)) return false;
    s->flags = X87_STACK_FAULT;
    s->blocked = !x87_invalid_masked(cpu);
    return true;
}
static void store_settle(struct stored *s) {
    s->flags = s->env.flags;
    s->blocked = float_env_store_blocked(&s->env);
}
static void store_end(struct cpu *cpu, const struct op *op, const struct stored *s, bool pop) {
    x87_end(cpu, op, true, s->flags, s->env.round_up);
    if (pop && !s->blocked) x87_pop(cpu);
}
// An unmasked exception stops the store; the operand's faults come all the same, before it. A habit of silicon: the
// manual gives no order of the faults of one instruction (Vol. 3A, 6.9).
COLD static enum outcome store_blocked(struct cpu *cpu, const struct op *op, unsigned bytes) {
    enum outcome outcome = OUT_OK;
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, bytes, true, &linear));
    return memory_write(cpu, linear, bytes, false, &outcome) ? OUT_OK : outcome;
}

// FST and FSTP of a float.
ALWAYS_INLINE enum outcome store_quick(struct cpu *cpu, const struct op *op, enum form f, unsigned w, bool pop) {
    struct quick r;
    uint64_t bits = 0;
    if (!quick_begins(cpu, f) || !quick_rounding(cpu) || x87_is_empty(cpu, 0)) return OUT_MISS;
    if (unlikely(!quick_to_float(w, x87_get(cpu, 0), &bits, &r))) return OUT_MISS;
    TRY(destination(cpu, op, f, w, bits));
    quick_end(cpu, op, r.inexact, r.up ? FLOAT_C1 : 0, QUICK_BUT_C1, pop);
    return OUT_OK;
}

// STORE(name, forms, pop, indefinite, e): e converts ST(0), `a`, with `env`.
#define STORE(name, follow, forms, pop, indefinite, expression)                                                        \
    BODY(name) {                                                                                                       \
        if (F & FORM_FAST) return store_quick(cpu, op, F, W, pop);                                                     \
        struct stored s = {0};                                                                                         \
        uint64_t bits = (indefinite);                                                                                  \
        TRY(x87_wait(cpu));                                                                                            \
        if (!store_underflow(cpu, &s)) {                                                                               \
            struct float_env *env = &s.env;                                                                            \
            const struct f80 a = x87_get(cpu, 0);                                                                      \
            bits = (uint64_t)(expression);                                                                             \
            store_settle(&s);                                                                                          \
        }                                                                                                              \
        if (unlikely(s.blocked))                                                                                       \
            TRY(store_blocked(cpu, op, W / 8));                                                                        \
        else                                                                                                           \
            TRY(destination(cpu, op, F, W, bits &MASK(W)));                                                            \
        store_end(cpu, op, &s, pop);                                                                                   \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, follow, forms)
#define FLOAT_INDEFINITE (W == 32 ? F32_INDEFINITE : F64_INDEFINITE)
#define INTEGER_INDEFINITE (1ull << (W - 1))
#define TO_FLOAT (W == 32 ? f80_to_f32(a, env) : f80_to_f64(a, env))
#define TO_INTEGER (W == 16 ? f80_to_i16(a, env) : W == 32 ? f80_to_i32(a, env) : f80_to_i64(a, env))
#define TO_TRUNCATED                                                                                                   \
    (W == 16 ? f80_to_i16_truncate(a, env) : W == 32 ? f80_to_i32_truncate(a, env) : f80_to_i64_truncate(a, env))
STORE(fst, FAST, FORMS_FLOAT, false, FLOAT_INDEFINITE, TO_FLOAT)
STORE(fstp, FAST, FORMS_FLOAT, true, FLOAT_INDEFINITE, TO_FLOAT)
STORE(fist, NEXT, FORMS_INTEGER, false, INTEGER_INDEFINITE, TO_INTEGER)
STORE(fistp, NEXT, FORMS_INTEGER, true, INTEGER_INDEFINITE, TO_INTEGER)
STORE(fisttp, NEXT, FORMS_INTEGER, true, INTEGER_INDEFINITE, TO_TRUNCATED)

// FSTP m80 and FBSTP.
static void put_extended(uint8_t image[EXTENDED_BYTES], struct f80 v) {
    bytes_set(image, 64, v.significand);
    bytes_set(image + 8, 16, v.sign_exponent);
}
BODY(fstp_extended) {
    BODY_UNUSED;
    struct stored s = {0};
    uint8_t image[EXTENDED_BYTES];
    if (F & FORM_FAST) {
        uint8_t *p =
            quick_begins(cpu, F) && !x87_is_empty(cpu, 0) ? fast_operand(cpu, op, F, EXTENDED_BYTES, true) : NULL;
        if (!p) return OUT_MISS;
        put_extended(p, x87_get(cpu, 0));
        quick_end(cpu, op, false, 0, QUICK_BUT_C1, 1);
        return OUT_OK;
    }
    TRY(x87_wait(cpu));
    put_extended(image, store_underflow(cpu, &s) ? F80_INDEFINITE : x87_get(cpu, 0));
    TRY(s.blocked ? store_blocked(cpu, op, EXTENDED_BYTES) : store_extended(cpu, op, image));
    store_end(cpu, op, &s, true);
    return OUT_OK;
}
INSTANTIATE(fstp_extended, FAST, FORMS_M)

BODY(fbstp) {
    BODY_UNUSED;
    struct stored s = {0};
    uint8_t image[EXTENDED_BYTES] = {[7] = 0xc0, [8] = 0xff, [9] = 0xff}; // the packed BCD indefinite
    TRY(x87_wait(cpu));
    if (!store_underflow(cpu, &s)) {
        f80_to_bcd(x87_get(cpu, 0), image, &s.env);
        store_settle(&s);
    }
    TRY(s.blocked ? store_blocked(cpu, op, EXTENDED_BYTES) : store_extended(cpu, op, image));
    store_end(cpu, op, &s, true);
    return OUT_OK;
}
INSTANTIATE(fbstp, NEXT, FORMS_M)

// --- registers ---
static enum outcome store_register(struct cpu *cpu, const struct op *op, bool pop) {
    TRY(x87_wait(cpu));
    bool empty = x87_is_empty(cpu, 0);
    x87_end(cpu, op, false, empty ? X87_STACK_FAULT : 0, false);
    if (empty && !x87_invalid_masked(cpu)) return OUT_OK;
    x87_set(cpu, op->dst, empty ? F80_INDEFINITE : x87_get(cpu, 0));
    if (pop) x87_pop(cpu);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome store_register_quick(struct cpu *cpu, const struct op *op, bool pop) {
    if (!quick_begins(cpu, FORM_R) || x87_is_empty(cpu, 0)) return OUT_MISS;
    x87_set(cpu, op->dst, x87_get(cpu, 0));
    quick_end(cpu, op, false, 0, QUICK_BUT_C1, pop);
    return OUT_OK;
}
BODY(fst_register) {
    BODY_UNUSED;
    if (F & FORM_FAST) return store_register_quick(cpu, op, false);
    return store_register(cpu, op, false);
}
INSTANTIATE(fst_register, FAST, FORMS_STI)
BODY(fstp_register) {
    BODY_UNUSED;
    if (F & FORM_FAST) return store_register_quick(cpu, op, true);
    return store_register(cpu, op, true);
}
INSTANTIATE(fstp_register, FAST, FORMS_STI)

// FSTPNCE: no stack fault; an empty ST(0) is popped and not stored.
BODY(fstpnce) {
    BODY_UNUSED;
    if (!x87_is_empty(cpu, 0)) return store_register(cpu, op, true);
    TRY(x87_wait(cpu));
    x87_end(cpu, op, false, 0, false);
    x87_pop(cpu);
    return OUT_OK;
}
INSTANTIATE(fstpnce, NEXT, FORMS_STI)

BODY(fxch) {
    BODY_UNUSED;
    if (F & FORM_FAST) {
        struct x87_register *st = quick_register(cpu, 0), *other = quick_register(cpu, op->dst);
        if (!quick_begins(cpu, F) || x87_is_empty(cpu, 0) || x87_is_empty(cpu, op->dst)) return OUT_MISS;
        const struct f80 a = quick_get(st);
        quick_put(st, quick_get(other));
        quick_put(other, a);
        quick_end(cpu, op, false, 0, QUICK_BUT_C1, 0);
        return OUT_OK;
    }
    TRY(x87_wait(cpu));
    bool empty = x87_is_empty(cpu, 0), other_empty = x87_is_empty(cpu, op->dst);
    x87_end(cpu, op, false, empty || other_empty ? X87_STACK_FAULT : 0, false);
    if ((empty || other_empty) && !x87_invalid_masked(cpu)) return OUT_OK;
    struct f80 a = empty ? F80_INDEFINITE : x87_get(cpu, 0);
    struct f80 b = other_empty ? F80_INDEFINITE : x87_get(cpu, op->dst);
    x87_set(cpu, 0, b);
    x87_set(cpu, op->dst, a);
    return OUT_OK;
}
INSTANTIATE(fxch, FAST, FORMS_STI)
