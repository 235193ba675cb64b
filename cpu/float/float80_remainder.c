// FPREM and FPREM1. SDM volume 2A. The implementation-dependent number N of the partial reduction is what Intel
// processors use: 32 plus the low five bits of the difference of the exponents.
#include "cpu/float/float80.h"

// quotient = significand a * 2^distance / significand b, for distance < 64.
struct reduction {
    uint64_t quotient, remainder;
};

static struct reduction reduce(uint64_t a, uint64_t b, int distance) {
    struct reduction r;
    uint128 dividend = (uint128)a << distance;
    r.quotient = (uint64_t)(dividend / b);
    r.remainder = (uint64_t)(dividend % b);
    return r;
}

// Rounds the quotient to nearest instead: true if it goes up, so that the remainder changes sides.
static bool round_quotient(struct reduction *r, uint64_t b) {
    bool up = r->remainder > b - r->remainder || (r->remainder == b - r->remainder && r->quotient & 1);
    if (!up) return false;
    r->quotient++;
    r->remainder = b - r->remainder;
    return true;
}

// The remainder has the scale of b: exact, but it may be denormal.
static struct f80 pack_remainder(bool sign, int exponent, uint64_t remainder, struct float_env *env) {
    if (!remainder) return float80_zero(sign);
    int zeros = __builtin_clzll(remainder);
    return float80_pack(sign, exponent - zeros, (uint128)remainder << (64 + zeros), 64, env);
}

static struct f80 remainder_finite(struct float_parts a, struct float_parts b, bool nearest, uint16_t *conditions,
                                   struct float_env *env) {
    int distance = a.exponent - b.exponent;
    if (distance >= 64) {
        int n = 32 + (distance & 31);
        *conditions = FLOAT_C2;
        return pack_remainder(a.sign, a.exponent - n, reduce(a.significand, b.significand, n).remainder, env);
    }
    // Below half of the modulus the dividend is its own remainder.
    if (distance < (nearest ? -1 : 0)) return float80_pack(a.sign, a.exponent, (uint128)a.significand << 64, 64, env);
    struct reduction r;
    if (distance >= 0) {
        r = reduce(a.significand, b.significand, distance);
        if (nearest) a.sign ^= round_quotient(&r, b.significand);
    } else {
        // The dividend is a quarter to all of the modulus: more than half of it if the significand is larger.
        bool up = a.significand > b.significand;
        r = (struct reduction){up, up ? 2 * b.significand - a.significand : a.significand};
        a.sign ^= up;
        b.exponent--;
    }
    *conditions =
        (uint16_t)((r.quotient & 4 ? FLOAT_C0 : 0) | (r.quotient & 2 ? FLOAT_C3 : 0) | (r.quotient & 1 ? FLOAT_C1 : 0));
    return pack_remainder(a.sign, b.exponent, r.remainder, env);
}

static struct f80 partial_remainder(struct f80 a, struct f80 b, bool nearest, uint16_t *conditions,
                                    struct float_env *env) {
    enum float80_class class_a = float80_class(a), class_b = float80_class(b);
    *conditions = 0;
    if (!float80_is_number(class_a) || !float80_is_number(class_b)) return float80_propagate_nan(a, b, env);
    if (class_a == F80_IS_INFINITE || class_b == F80_IS_ZERO) return float80_invalid(env);
    struct float_parts pa = float80_unpack(a, env), pb = float80_unpack(b, env);
    if (class_a == F80_IS_ZERO || class_b == F80_IS_INFINITE) return float80_unchanged(a);
    return remainder_finite(pa, pb, nearest, conditions, env);
}

struct f80 f80_remainder(struct f80 a, struct f80 b, uint16_t *conditions, struct float_env *env) {
    return partial_remainder(a, b, false, conditions, env);
}

struct f80 f80_remainder_nearest(struct f80 a, struct f80 b, uint16_t *conditions, struct float_env *env) {
    return partial_remainder(a, b, true, conditions, env);
}
