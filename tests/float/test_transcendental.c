// The x87 transcendental instructions against MPFR (the value), and against the processor the test runs on (special
// operands, flags, and values within 1 ulp).
#include "tests/float/operands.h"
#include "tests/float/x87.h"
#include "tests/tap.h"

#define MPFR_USE_INTMAX_T
#include <mpfr.h>
#include <string.h>

enum { REFERENCE_BITS = 400 };

struct function {
    const char *name;
    struct f80 (*ours)(struct f80 a, struct f80 b, struct float_env *env);
    void (*exact)(mpfr_t result, const mpfr_t a, const mpfr_t b);
    int lowest, highest; // exponents of a, unbiased
};

static void set_f80(mpfr_t to, struct f80 a) {
    mpfr_set_uj_2exp(to, a.significand, (a.sign_exponent & 0x7fff) - 0x3fff - 63, MPFR_RNDN);
    if (a.sign_exponent & 0x8000) mpfr_neg(to, to, MPFR_RNDN);
}

// x minus the nearest multiple of Pi/2, Pi being the 66-bit value of the manual; which multiple, modulo 4.
static unsigned reduce(mpfr_t x, const mpfr_t a) {
    mpfr_t half_pi;
    long quotient;
    mpfr_init2(half_pi, 80);
    mpfr_set_str(half_pi, "3.243f6a8885a308d3@0", 16, MPFR_RNDN);
    mpfr_div_2ui(half_pi, half_pi, 1, MPFR_RNDN);
    mpfr_remquo(x, &quotient, a, half_pi, MPFR_RNDN);
    mpfr_clear(half_pi);
    return (unsigned)quotient & 3;
}

static void exact_sin(mpfr_t r, const mpfr_t a, const mpfr_t b) {
    (void)b;
    unsigned quadrant = reduce(r, a);
    if (quadrant & 1)
        mpfr_cos(r, r, MPFR_RNDN);
    else
        mpfr_sin(r, r, MPFR_RNDN);
    if (quadrant & 2) mpfr_neg(r, r, MPFR_RNDN);
}

static void exact_cos(mpfr_t r, const mpfr_t a, const mpfr_t b) {
    (void)b;
    unsigned quadrant = reduce(r, a);
    if (quadrant & 1)
        mpfr_sin(r, r, MPFR_RNDN);
    else
        mpfr_cos(r, r, MPFR_RNDN);
    if (quadrant == 1 || quadrant == 2) mpfr_neg(r, r, MPFR_RNDN);
}

static void exact_tan(mpfr_t r, const mpfr_t a, const mpfr_t b) {
    (void)b;
    unsigned quadrant = reduce(r, a);
    if (quadrant & 1) {
        mpfr_cot(r, r, MPFR_RNDN);
        mpfr_neg(r, r, MPFR_RNDN);
    } else {
        mpfr_tan(r, r, MPFR_RNDN);
    }
}

static void exact_atan(mpfr_t r, const mpfr_t a, const mpfr_t b) { mpfr_atan2(r, a, b, MPFR_RNDN); }

static void exact_2xm1(mpfr_t r, const mpfr_t a, const mpfr_t b) {
    (void)b;
    mpfr_exp2m1(r, a, MPFR_RNDN);
}

static void exact_ylog2x(mpfr_t r, const mpfr_t a, const mpfr_t b) {
    mpfr_log2(r, a, MPFR_RNDN);
    mpfr_mul(r, r, b, MPFR_RNDN);
}

static void exact_ylog2xp1(mpfr_t r, const mpfr_t a, const mpfr_t b) {
    mpfr_log2p1(r, a, MPFR_RNDN);
    mpfr_mul(r, r, b, MPFR_RNDN);
}

#define TRIGONOMETRIC(name)                                                                                            \
    static struct f80 ours_##name(struct f80 a, struct f80 b, struct float_env *env) {                                 \
        (void)b;                                                                                                       \
        f80_##name(a, &a, env);                                                                                        \
        return a;                                                                                                      \
    }
TRIGONOMETRIC(sin)
TRIGONOMETRIC(cos)
TRIGONOMETRIC(tan)

static struct f80 ours_2xm1(struct f80 a, struct f80 b, struct float_env *env) {
    (void)b;
    return f80_2xm1(a, env);
}

// The exponents are those of a (and b); the range of fyl2xp1 is cut by draw().
static const struct function functions[] = {
    {"fsin", ours_sin, exact_sin, -70, 62},
    {"fcos", ours_cos, exact_cos, -70, 62},
    {"fptan", ours_tan, exact_tan, -70, 62},
    {"fpatan", f80_atan, exact_atan, -70, 70},
    {"f2xm1", ours_2xm1, exact_2xm1, -90, -1},
    {"fyl2x", f80_ylog2x, exact_ylog2x, -90, 90},
    {"fyl2x near 1", f80_ylog2x, exact_ylog2x, 0, 0},
    {"fyl2x of any exponent", f80_ylog2x, exact_ylog2x, -16000, 16000},
    {"fyl2xp1", f80_ylog2xp1, exact_ylog2xp1, -90, -2},
};

static struct f80 draw(struct operands *o, const struct function *f) {
    struct f80 a = operands_f80(o);
    unsigned exponent = (unsigned)(f->lowest + 0x3fff) + operands_below(o, (unsigned)(f->highest - f->lowest + 1));
    a.significand |= 1ull << 63;
    a.sign_exponent = (uint16_t)((a.sign_exponent & 0x8000) | exponent);
    return a;
}

// A first operand in the domain of the function.
static struct f80 draw_first(struct operands *o, const struct function *f) {
    struct f80 a = draw(o, f);
    if (f->ours == f80_ylog2x) a = f80_absolute(a);
    if (f->ours == f80_ylog2xp1 && (a.sign_exponent & 0x7fff) == 0x3ffd) a.significand &= ~(7ull << 60); // below 0.29
    if (f->ours == f80_ylog2x && f->lowest == f->highest) {
        a.significand = operands_below(o, 2) ? 1ull << 63 | a.significand >> (1 + operands_below(o, 63))
                                             : ~(a.significand >> operands_below(o, 63));
        a.significand |= 1ull << 63;
        a.sign_exponent -= (uint16_t)operands_below(o, 2);
    }
    return a;
}

// The stated error: 0.5 ulp to nearest and 1 otherwise, and next to nothing (2^-40 ulp) for the series. C1 says on
// which side of the value the result is, unless it is too near to tell; the result is always reported as inexact.
static bool agrees(const mpfr_t exact, struct f80 result, const struct float_env *env) {
    const double nothing = 0x1p-40;
    if (mpfr_zero_p(exact)) return !result.significand && !env->flags; // the logarithm of 1
    mpfr_t error;
    mpfr_init2(error, REFERENCE_BITS);
    set_f80(error, result);
    mpfr_sub(error, error, exact, MPFR_RNDN);
    mpfr_mul_2si(error, error, 64 - mpfr_get_exp(exact), MPFR_RNDN); // in ulp
    if (mpfr_sgn(exact) < 0) mpfr_neg(error, error, MPFR_RNDN);
    double ulps = mpfr_get_d(error, MPFR_RNDN), magnitude = ulps < 0 ? -ulps : ulps;
    mpfr_clear(error);
    bool near = magnitude <= (env->rounding == FLOAT_NEAREST ? 0.5 : 1) + nothing;
    return near && env->flags == FLOAT_PE &&
           (magnitude < nothing || magnitude > 1 - nothing || env->round_up == (ulps > 0));
}

static void compare_values(const struct function *f, struct operands *o, unsigned count) {
    mpfr_t a, b, exact;
    mpfr_inits2(REFERENCE_BITS, a, b, exact, (mpfr_ptr)0);
    loop_begin("%s is within the stated error", f->name);
    for (unsigned i = 0; i < count; i++) {
        struct float_env env = {.rounding = (uint8_t)operands_below(o, 4), .precision = 64, .masks = FLOAT_ALL};
        struct f80 x = draw_first(o, f), y = draw(o, f), result = f->ours(x, y, &env);
        set_f80(a, x);
        set_f80(b, y);
        f->exact(exact, a, b);
        loop_check(agrees(exact, result, &env), "%04x.%016lx, %04x.%016lx, rounding %d: %04x.%016lx flags %#x C1 %d",
                   x.sign_exponent, x.significand, y.sign_exponent, y.significand, env.rounding, result.sign_exponent,
                   result.significand, env.flags, env.round_up);
    }
    loop_end();
    mpfr_clears(a, b, exact, (mpfr_ptr)0);
}

#ifdef __x86_64__
#define NEW(name, operation_flags, statement)                                                                          \
    X87_HOST(name, #name)                                                                                              \
    static void x87_##name(struct f80 a, struct f80 b, uint64_t m, struct float_env *env, struct x87_result *r) {      \
        (void)b, (void)m;                                                                                              \
        statement;                                                                                                     \
    }                                                                                                                  \
    static const struct x87_operation name = {#name, host_##name, x87_##name, operation_flags};

// The caller's part of the instructions: C2, and what FPTAN and FSINCOS push.
static void in_range(struct x87_result *r, bool yes) { r->status |= yes ? 0 : FLOAT_C2; }

static void tangent(struct f80 a, struct x87_result *r, struct float_env *env) {
    struct f80 result;
    in_range(r, f80_tan(a, &result, env));
    if (r->status & FLOAT_C2) return;
    r->st[1] = result;
    r->st[0] = (result.sign_exponent & 0x7fff) == 0x7fff ? result : F80_ONE;
}

static void sine_and_cosine(struct f80 a, struct x87_result *r, struct float_env *env) {
    struct f80 sine, cosine;
    in_range(r, f80_sincos(a, &sine, &cosine, env));
    if (r->status & FLOAT_C2) return;
    r->st[1] = sine;
    r->st[0] = cosine;
}

NEW(fsin, 0, in_range(r, f80_sin(a, &r->st[0], env)))
NEW(fcos, 0, in_range(r, f80_cos(a, &r->st[0], env)))
NEW(fsincos, 0, sine_and_cosine(a, r, env))
NEW(fptan, 0, tangent(a, r, env))
NEW(f2xm1, 0, r->st[0] = f80_2xm1(a, env))
NEW(fpatan, X87_POPS, r->st[1] = f80_atan(b, a, env))
NEW(fyl2x, X87_POPS, r->st[1] = f80_ylog2x(a, b, env))
NEW(fyl2xp1, X87_POPS, r->st[1] = f80_ylog2xp1(a, b, env))
static const struct x87_operation *const operations[] = {&fsin,  &fcos,   &fsincos, &fptan,
                                                         &f2xm1, &fpatan, &fyl2x,   &fyl2xp1};

// The encodings of finite values order as the values do.
static bool within(struct f80 a, struct f80 b, uint64_t units) {
    if (a.sign_exponent == b.sign_exponent && a.significand == b.significand) return true;
    unsigned __int128 x = (unsigned __int128)a.sign_exponent << 63 | (a.significand & ~(1ull << 63));
    unsigned __int128 y = (unsigned __int128)b.sign_exponent << 63 | (b.significand & ~(1ull << 63));
    unsigned __int128 distance = x > y ? x - y : y - x;
    return (a.sign_exponent & 0x7fff) != 0x7fff && distance <= units;
}

// Half of the operands are of moderate size, where the functions do something; the others are of any kind.
static struct f80 draw_any(struct operands *o) {
    static const struct function moderate = {.lowest = -20, .highest = 20};
    return operands_below(o, 2) ? operands_f80(o) : draw(o, &moderate);
}

// The largest finite value, and those about the smallest normal one: it depends on the last bit of the function whether
// it has overflowed or underflowed.
static bool at_the_limit(struct f80 a) {
    return within(f80_absolute(a), (struct f80){UINT64_MAX, 0x7ffe}, 2) ||
           within(f80_absolute(a), (struct f80){1ull << 63, 1}, 2);
}

// Processors are wrong by up to 1 ulp to nearest and 1.5 ulp otherwise, and we by 0.5 and 1: together two at most. C1
// follows the last bits, so it is not compared.
static void compare_with_host(const struct x87_operation *op, struct operands *o, unsigned count) {
    loop_begin("%s is near to the host, with its flags", op->name);
    for (unsigned i = 0; i < count; i++) {
        struct x87_result host = {0}, ours = {0};
        struct f80 a = draw_any(o), b = draw_any(o);
        unsigned masks = operands_below(o, 4) ? FLOAT_ALL : operands_below(o, 64);
        uint16_t control = (uint16_t)(0x340 | masks | operands_below(o, 4) << 10);
        op->host(&a, &b, control, &host);
        x87_ours(op, a, b, 0, control, &ours);
        bool popped = op->flags & X87_POPS;
        if (at_the_limit(host.st[0]) || at_the_limit(ours.st[0])) continue;
        loop_check(within(host.st[0], ours.st[0], 2) && (popped || within(host.st[1], ours.st[1], 2)) &&
                       !((host.status ^ ours.status) & (FLOAT_ALL | FLOAT_C2)),
                   "%s", x87_difference(a, b, 0, control, &host, &ours));
    }
    loop_end();
}

static void compare_all_with_host(struct operands *o) {
    __builtin_cpu_init();
    if (!__builtin_cpu_is("intel")) {
        skip("transcendental instructions against the host", "the host is not an Intel processor");
        return;
    }
    for (unsigned i = 0; i < sizeof operations / sizeof operations[0]; i++) compare_with_host(operations[i], o, 300000);
}
#else
static void compare_all_with_host(struct operands *o) {
    (void)o;
    skip("transcendental instructions against the host", "the host is not an x86-64 processor");
}
#endif

int main(void) {
    struct operands o = {.state = 19800616};
    mpfr_set_emin(-40000);
    mpfr_set_emax(40000);
    for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++) compare_values(&functions[i], &o, 100000);
    compare_all_with_host(&o);
    return done_testing();
}
