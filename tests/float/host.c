#include "tests/float/host.h"
#include "cpu/vector/float_host_packed.h"
#include "tests/float/operands.h"
#include "tests/tap.h"

// What an operation came to, each way. `same` is what the host's way says of itself.
struct both {
    uint64_t soft, host;
    bool same;
};
typedef struct both operation_fn(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host);

#define ARITHMETIC(B, name)                                                                                            \
    static struct both name##_##B(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {            \
        f##B r = 0;                                                                                                    \
        bool same = f##B##_host_##name((f##B)a, (f##B)b, &r, host);                                                    \
        return (struct both){f##B##_##name((f##B)a, (f##B)b, env), r, same};                                           \
    }
#define BOTH_WIDTHS(X, name) X(32, name) X(64, name)
BOTH_WIDTHS(ARITHMETIC, add)
BOTH_WIDTHS(ARITHMETIC, sub)
BOTH_WIDTHS(ARITHMETIC, mul)
BOTH_WIDTHS(ARITHMETIC, div)
BOTH_WIDTHS(ARITHMETIC, min)
BOTH_WIDTHS(ARITHMETIC, max)

// Four at once: the first is compared, the others are normal, so that they never keep the host from it.
#define PACKED(name)                                                                                                   \
    static struct both name##_x4(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {             \
        const f32 one = 0x3f800000, all_a[4] = {(f32)a, one, one, one}, all_b[4] = {(f32)b, one, one, one};            \
        f32 r[4];                                                                                                      \
        bool same = f32x4_host_##name(all_a, all_b, r, host);                                                          \
        return (struct both){f32_##name((f32)a, (f32)b, env), r[0], same};                                             \
    }
PACKED(add)
PACKED(sub)
PACKED(mul)
PACKED(div)
PACKED(min)
PACKED(max)

#define ROOT(B)                                                                                                        \
    static struct both sqrt_##B(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {              \
        f##B r = 0;                                                                                                    \
        bool same = f##B##_host_sqrt((f##B)b, (f##B)a, &r, host);                                                      \
        return (struct both){f##B##_sqrt((f##B)a, env), r, same};                                                      \
    }
ROOT(32)
ROOT(64)

// Both comparisons: they differ for NaNs alone, which the host's way leaves to them. Then every predicate.
#define COMPARISON(B)                                                                                                  \
    static struct both compare_##B(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {           \
        (void)host;                                                                                                    \
        enum float_relation r;                                                                                         \
        bool same = f##B##_host_compare((f##B)a, (f##B)b, &r);                                                         \
        return (struct both){f##B##_compare_ordered((f##B)a, (f##B)b, env), r, same};                                  \
    } static struct both predicates_##B(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {      \
        (void)host;                                                                                                    \
        struct both r = {0};                                                                                           \
        for (unsigned i = 0; i < 8; i++) {                                                                             \
            f##B one = 0;                                                                                              \
            r.same = f##B##_host_predicate((f##B)a, (f##B)b, i, &one);                                                 \
            r.host |= (uint64_t)(one & 1) << i | (uint64_t)(one == (f##B)0 - (one & 1) ? 0 : 256);                     \
            r.soft |= (uint64_t)f##B##_predicate((f##B)a, (f##B)b, i, env) << i;                                       \
        }                                                                                                              \
        return r;                                                                                                      \
    }
COMPARISON(32)
COMPARISON(64)

static struct both predicates_x4(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {
    (void)host;
    const f32 all_a[4] = {0, 0, (f32)a, 0}, all_b[4] = {0, 0, (f32)b, 0};
    struct both r = {0};
    for (unsigned i = 0; i < 8; i++) {
        f32 each[4];
        r.same = f32x4_host_predicate(all_a, all_b, i, each);
        r.host |= (uint64_t)(each[2] & 1) << i;
        r.soft |= (uint64_t)f32_predicate((f32)a, (f32)b, i, env) << i;
    }
    return r;
}

#define CONVERSION(name, result, operand, soft, fast)                                                                  \
    static struct both name(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {                  \
        (void)b, (void)env;                                                                                            \
        result r = 0;                                                                                                  \
        bool same = fast((operand)a, &r, host);                                                                        \
        return (struct both){(uint64_t)(soft), (uint64_t)r, same};                                                     \
    }
CONVERSION(cvtss2sd, f64, f32, f32_to_f64((f32)a, env), f64_host_from_f32)
CONVERSION(cvtsd2ss, f32, f64, f64_to_f32(a, env), f32_host_from_f64)
CONVERSION(cvtsi2ss, f32, int32_t, i32_to_f32((int32_t)a, env), f32_host_from_i32)
CONVERSION(cvtsi2ssq, f32, int64_t, i64_to_f32((int64_t)a, env), f32_host_from_i64)
CONVERSION(cvtsi2sd, f64, int32_t, i32_to_f64((int32_t)a), f64_host_from_i32)
CONVERSION(cvtsi2sdq, f64, int64_t, i64_to_f64((int64_t)a, env), f64_host_from_i64)
#define TO_INTEGER(name, B, width, truncate, soft)                                                                     \
    static struct both name(uint64_t a, uint64_t b, struct float_env *env, struct float_host *host) {                  \
        (void)b;                                                                                                       \
        int64_t r = 0;                                                                                                 \
        bool same = f##B##_host_to_integer((f##B)a, width, truncate, &r, host);                                        \
        return (struct both){(uint64_t)(soft((f##B)a, env)), (uint64_t)r, same};                                       \
    }
TO_INTEGER(cvtss2si, 32, 32, false, f32_to_i32)
TO_INTEGER(cvtss2siq, 32, 64, false, f32_to_i64)
TO_INTEGER(cvttss2si, 32, 32, true, f32_to_i32_truncate)
TO_INTEGER(cvttss2siq, 32, 64, true, f32_to_i64_truncate)
TO_INTEGER(cvtsd2si, 64, 32, false, f64_to_i32)
TO_INTEGER(cvtsd2siq, 64, 64, false, f64_to_i64)
TO_INTEGER(cvttsd2si, 64, 32, true, f64_to_i32_truncate)
TO_INTEGER(cvttsd2siq, 64, 64, true, f64_to_i64_truncate)

enum kind { S, D, I };
static const struct {
    const char *name;
    enum kind kind; // of the operands
    operation_fn *run;
} operations[] = {
#define ROWS_OF(name) {#name "ss", S, name##_32}, {#name "sd", D, name##_64},
    ROWS_OF(add) ROWS_OF(sub) ROWS_OF(mul) ROWS_OF(div) ROWS_OF(min) ROWS_OF(max) ROWS_OF(sqrt) ROWS_OF(compare)
        ROWS_OF(predicates){"addps", S, add_x4},
    {"subps", S, sub_x4},
    {"mulps", S, mul_x4},
    {"divps", S, div_x4},
    {"minps", S, min_x4},
    {"maxps", S, max_x4},
    {"cmpps", S, predicates_x4},
    {"cvtss2sd", S, cvtss2sd},
    {"cvtsd2ss", D, cvtsd2ss},
    {"cvtsi2ss", I, cvtsi2ss},
    {"cvtsi2ssq", I, cvtsi2ssq},
    {"cvtsi2sd", I, cvtsi2sd},
    {"cvtsi2sdq", I, cvtsi2sdq},
    {"cvtss2si", S, cvtss2si},
    {"cvtss2siq", S, cvtss2siq},
    {"cvttss2si", S, cvttss2si},
    {"cvttss2siq", S, cvttss2siq},
    {"cvtsd2si", D, cvtsd2si},
    {"cvtsd2siq", D, cvtsd2siq},
    {"cvttsd2si", D, cvttsd2si},
    {"cvttsd2siq", D, cvttsd2siq},
};

// The operands with many special values; every fourth pair of doubles is short, so that results are often exact.
static void draw(struct operands *o, enum kind kind, uint64_t *a, uint64_t *b) {
    if (kind == I) {
        *a = *b = (uint64_t)operands_i64(o);
    } else if (kind == S) {
        *a = operands_f32(o), *b = operands_f32_beside(o, (f32)*a);
    } else {
        *a = operands_f64(o), *b = operands_f64_beside(o, *a);
        if (!operands_below(o, 4)) *a &= ~0ull << 26, *b &= ~0ull << 26;
    }
}

void host_compare(unsigned count) {
    struct operands o = {.state = 20261130};
    for (unsigned i = 0; i < sizeof operations / sizeof *operations; i++) {
        unsigned done = 0;
        loop_begin("%s: the host's result and flags are the integer arithmetic's", operations[i].name);
        for (unsigned j = 0; j < count; j++) {
            uint64_t a = 0, b = 0;
            struct float_env env = float_env_from_mxcsr(0x1f80), again = env;
            struct float_host looking = {0}, knowing = {.known = true};
            draw(&o, operations[i].kind, &a, &b);
            struct both r = operations[i].run(a, b, &env, &looking), known = operations[i].run(a, b, &again, &knowing);
            done += r.same;
            loop_check(!r.same || (r.host == r.soft && env.flags == (looking.inexact ? FLOAT_PE : 0)),
                       "%#lx %#lx: host %#lx inexact %d, soft %#lx flags %#x", a, b, r.host, looking.inexact, r.soft,
                       env.flags);
            loop_check(known.same == r.same && (!r.same || known.host == r.soft), "%#lx %#lx: %#lx when PE is set", a,
                       b, known.host);
        }
        loop_check(done > count / 8, "the host did only %u of %u", done, count);
        loop_end();
    }
}
