// FSIN, FCOS, FSINCOS and FPTAN. SDM volume 2A; section 8.3.8 for the 66-bit value of pi that arguments are reduced by,
// exactly: results agree with processors near its multiples, where those of the true pi are different. Errors are below
// 0.51 ulp of the function of the reduced argument when rounding to nearest, 1 ulp otherwise.
#include "cpu/float/float128.h"

// Half of Pi in units of 2^-65: f of section 8.3.8 is C90FDAA2 2168C234 C, of which the last two bits are 0.
#define HALF_PI (WIDE(0xc90fdaa22168c234, 0xc000000000000000) >> 62)

// |a| = quadrant * Pi/2 + reduced, with |reduced| <= Pi/4; the sign of `a` is left to the caller.
struct reduced {
    unsigned quadrant;
    struct f128 argument;
};

static struct reduced reduce(struct f80 a) {
    struct float_parts parts = float80_parts(a);
    int exponent = parts.exponent - F80_BIAS;
    if (exponent < -1) return (struct reduced){0, {false, exponent, (uint128)parts.significand << 64}};
    uint128 units = (uint128)parts.significand << (exponent + 2), quotient = units / HALF_PI;
    uint128 rest = units - quotient * HALF_PI;
    bool up = rest > HALF_PI / 2;
    return (struct reduced){(unsigned)quotient + up, f128_make(up, 127 - 65, up ? HALF_PI - rest : rest)};
}

// Below 2^-68 processors give x for sin(x) and tan(x) and 1 for cos(x), in all rounding modes, and so does `exact`.
struct sine_cosine {
    struct f128 sine, cosine;
    bool exact;
};

// Of |a|: series for the reduced argument, then exchanged and negated as the quadrant asks.
static struct sine_cosine sine_cosine(struct f80 a) {
    struct reduced r = reduce(a);
    if (r.quadrant == 0 && r.argument.exponent < -68)
        return (struct sine_cosine){r.argument, {.significand = (uint128)1 << 127}, true};
    uint128 fraction = f128_fraction(r.argument), square = float128_multiply_high(fraction, fraction);
    struct f128 sine = f128_mul(r.argument, f128_make(false, 0, float128_sine(square)));
    struct f128 cosine = f128_make(false, 0, float128_cosine(square));
    bool odd = r.quadrant & 1;
    struct sine_cosine result = {.sine = odd ? cosine : sine, .cosine = odd ? f128_negate(sine) : cosine};
    if (r.quadrant & 2) {
        result.sine = f128_negate(result.sine);
        result.cosine = f128_negate(result.cosine);
    }
    return result;
}

// The functions have the same special operands: true if they decide the result; *out_of_range if |a| >= 2^63.
static bool special_operand(struct f80 a, struct f80 *result, bool *out_of_range, struct float_env *env) {
    enum float80_class class = float80_class(a);
    *out_of_range = false;
    if (class == F80_IS_FINITE) {
        float80_unpack(a, env);
        *out_of_range = float80_exponent(a) >= F80_BIAS + 63;
        return *out_of_range;
    }
    *result = class == F80_IS_ZERO       ? a
              : class == F80_IS_INFINITE ? float80_invalid(env)
                                         : float80_propagate_nan(a, a, env);
    return true;
}

static struct f80 pack(struct f128 a, bool negate, bool exact, struct float_env *env) {
    a.sign ^= negate;
    return exact ? f128_pack_exact(a, env) : f128_pack(a, env);
}

bool f80_sin(struct f80 a, struct f80 *sine, struct float_env *env) {
    bool out_of_range;
    if (special_operand(a, sine, &out_of_range, env)) return !out_of_range;
    struct sine_cosine both = sine_cosine(a);
    *sine = pack(both.sine, float80_sign(a), both.exact, env);
    return true;
}

bool f80_cos(struct f80 a, struct f80 *cosine, struct float_env *env) {
    bool out_of_range;
    if (special_operand(a, cosine, &out_of_range, env)) {
        if (float80_class(a) == F80_IS_ZERO) *cosine = F80_ONE;
        return !out_of_range;
    }
    struct sine_cosine both = sine_cosine(a);
    *cosine = pack(both.cosine, false, both.exact, env);
    return true;
}

bool f80_sincos(struct f80 a, struct f80 *sine, struct f80 *cosine, struct float_env *env) {
    bool out_of_range;
    if (special_operand(a, sine, &out_of_range, env)) {
        if (!out_of_range) *cosine = float80_class(a) == F80_IS_ZERO ? F80_ONE : *sine;
        return !out_of_range;
    }
    struct sine_cosine both = sine_cosine(a);
    *sine = pack(both.sine, float80_sign(a), both.exact, env);
    *cosine = pack(both.cosine, false, both.exact, env);
    return true;
}

// A tangent is larger than its argument, but below 2^-33 by so little that it is the argument, inexact.
bool f80_tan(struct f80 a, struct f80 *tangent, struct float_env *env) {
    bool out_of_range;
    if (special_operand(a, tangent, &out_of_range, env)) return !out_of_range;
    struct sine_cosine both = sine_cosine(a);
    struct f128 small = f128_from_f80(f80_absolute(a));
    struct f128 result = small.exponent < -33 ? small : f128_div(both.sine, both.cosine);
    *tangent = pack(result, float80_sign(a), both.exact, env);
    return true;
}
