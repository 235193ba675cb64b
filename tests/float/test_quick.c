// The quick ways of x87 instructions (cpu/x87/x87_quick.h) against the arithmetic that knows everything, bit for bit,
// with PE and C1: operands of every kind, of which the quick ways take those that they can.
#include "cpu/x87/x87_quick.h"
#include "tests/float/operands.h"
#include "tests/tap.h"

enum { OPERANDS = 400000 };

static bool same(struct f80 a, struct f80 b) {
    return a.significand == b.significand && a.sign_exponent == b.sign_exponent;
}
static bool same_end(const struct quick *r, const struct float_env *env) {
    return r->up == env->round_up && env->flags == (r->inexact ? FLOAT_PE : 0);
}

typedef struct f80 slow_operation(struct f80 a, struct f80 b, struct float_env *env);
static void test_arithmetic(const char *name, quick_operation *quick, slow_operation *slow) {
    struct operands o = {.state = 31};
    unsigned done = 0;
    loop_begin("%s", name);
    for (unsigned i = 0; i < OPERANDS; i++) {
        struct f80 a = operands_f80(&o), b = operands_f80_beside(&o, a);
        struct float_env env = float_env_from_control_word(0x37f);
        struct quick r;
        if (!quick_normal(a) || !quick_normal(b) || !quick(a, b, &r)) continue;
        done++;
        struct f80 wanted = slow(a, b, &env);
        loop_check(same(r.value, wanted) && same_end(&r, &env),
                   "%04x %016lx, %04x %016lx: %04x %016lx up %d inexact %d, wanted %04x %016lx up %d flags %x",
                   a.sign_exponent, a.significand, b.sign_exponent, b.significand, r.value.sign_exponent,
                   r.value.significand, r.up, r.inexact, wanted.sign_exponent, wanted.significand, env.round_up,
                   env.flags);
    }
    loop_check(done > OPERANDS / 8, "only %u of %u were quick", done, OPERANDS);
    loop_end();
}

static void test_loads(unsigned w) {
    struct operands o = {.state = 32};
    loop_begin("loads of %u bits", w);
    for (unsigned i = 0; i < OPERANDS; i++) {
        uint64_t bits = w == 32 ? operands_f32(&o) : operands_f64(&o);
        struct float_env env = float_env_from_control_word(0x37f);
        struct f80 r, wanted = w == 32 ? f80_load_f32((f32)bits, &env) : f80_load_f64(bits, &env);
        if (quick_from_float(w, bits, &r)) loop_check(same(r, wanted) && !env.flags, "%lx", bits);
    }
    loop_end();
}

// A store: values that fit the format, near its boundaries, and any others.
static void test_stores(unsigned w) {
    struct operands o = {.state = 33};
    unsigned done = 0;
    loop_begin("stores of %u bits", w);
    for (unsigned i = 0; i < OPERANDS; i++) {
        struct float_env env = float_env_from_control_word(0x37f);
        struct f80 a = operands_below(&o, 2) ? operands_f80(&o) : f80_from_f64(operands_f64(&o), &env);
        if (operands_below(&o, 2)) a.significand ^= operands_bits(&o) >> 1 & operands_bits(&o);
        uint64_t bits = 0;
        struct quick r;
        if (!quick_to_float(w, a, &bits, &r)) continue;
        done++;
        env.flags = 0;
        uint64_t wanted = w == 32 ? f80_to_f32(a, &env) : f80_to_f64(a, &env);
        loop_check(bits == wanted && same_end(&r, &env), "%04x %016lx: %lx, wanted %lx", a.sign_exponent, a.significand,
                   bits, wanted);
    }
    loop_check(done > OPERANDS / 16, "only %u of %u were quick", done, OPERANDS);
    loop_end();
}

static void test_integers(void) {
    struct operands o = {.state = 34};
    loop_begin("loads of integers");
    for (unsigned i = 0; i < OPERANDS; i++) {
        int64_t a = operands_i64(&o);
        if (a) loop_check(same(quick_from_integer(a), f80_from_i64(a)), "%ld", a);
    }
    loop_check(same(quick_from_integer(INT64_MIN), f80_from_i64(INT64_MIN)), "-2^63");
    loop_end();
}

int main(void) {
    test_arithmetic("addition", quick_add, f80_add);
    test_arithmetic("subtraction", quick_sub, f80_sub);
    test_arithmetic("multiplication", quick_mul, f80_mul);
    test_arithmetic("division", quick_div, f80_div);
    test_loads(32);
    test_loads(64);
    test_stores(32);
    test_stores(64);
    test_integers();
    return done_testing();
}
