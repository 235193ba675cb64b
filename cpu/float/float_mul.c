// Multiplication, division and square root of single and double precision. SDM volume 2, MULPS, DIVPS, SQRTPS and the
// double-precision forms.
#include "cpu/float/float_format.h"
#include "cpu/float/float_wide.h"

ALWAYS_INLINE uint64_t mul_nonzero(struct float_format f, struct float_parts a, struct float_parts b,
                                   struct float_env *env) {
    uint128 product = (uint128)a.significand * b.significand;
    uint64_t high = (uint64_t)(product >> 64) | ((uint64_t)product != 0);
    bool carry = high >> 63;
    struct float_parts r = {a.sign ^ b.sign, a.exponent + b.exponent - f.exponent_max / 2 + carry, high << !carry};
    return float_pack(f, r, env);
}

// a * b where one is a zero, denormal, infinity or NaN.
COLD static uint64_t mul_special(struct float_format f, uint64_t a, uint64_t b, struct float_env *env) {
    if (float_is_nan(f, a) || float_is_nan(f, b)) return float_propagate_nan(f, a, b, env);
    a = float_zero_by_denormals(f, a, env);
    b = float_zero_by_denormals(f, b, env);
    bool infinite = float_is_infinity(f, a) || float_is_infinity(f, b);
    bool zero = !float_magnitude(f, a) || !float_magnitude(f, b);
    if (infinite && zero) return float_invalid(f, env);
    struct float_parts pa = float_unpack(f, a, env), pb = float_unpack(f, b, env);
    if (infinite || zero) return float_signed(f, pa.sign ^ pb.sign, infinite ? float_infinity(f) : 0);
    return mul_nonzero(f, pa, pb, env);
}

ALWAYS_INLINE uint64_t mul(struct float_format f, uint64_t a, uint64_t b, struct float_env *env) {
    if (unlikely(!float_is_normal(f, a) || !float_is_normal(f, b))) return mul_special(f, a, b, env);
    return mul_nonzero(f, float_parts_of_normal(f, a), float_parts_of_normal(f, b), env);
}

// The quotient of two significands with bit 63 set: bit 63 or 62 set, bit 0 sticky. Single precision fits in 64 bits.
ALWAYS_INLINE uint64_t significand_quotient(struct float_format f, uint64_t a, uint64_t b) {
    if (f.fraction_bits == 23) {
        uint64_t divisor = b >> 40, dividend = a >> 1, quotient = dividend / divisor;
        return quotient << 24 | (quotient * divisor != dividend);
    }
    uint64_t remainder, quotient = float_divide(a >> 1, a << 63, b, &remainder);
    return quotient | (remainder != 0);
}

ALWAYS_INLINE uint64_t div_nonzero(struct float_format f, struct float_parts a, struct float_parts b,
                                   struct float_env *env) {
    uint64_t quotient = significand_quotient(f, a.significand, b.significand);
    bool whole = quotient >> 63;
    struct float_parts r = {a.sign ^ b.sign, a.exponent - b.exponent + f.exponent_max / 2 - !whole, quotient << !whole};
    return float_pack(f, r, env);
}

// a / b where one is a zero, denormal, infinity or NaN.
COLD static uint64_t div_special(struct float_format f, uint64_t a, uint64_t b, struct float_env *env) {
    if (float_is_nan(f, a) || float_is_nan(f, b)) return float_propagate_nan(f, a, b, env);
    a = float_zero_by_denormals(f, a, env);
    b = float_zero_by_denormals(f, b, env);
    bool sign = float_sign(f, a) != float_sign(f, b);
    bool infinite = float_is_infinity(f, a), by_infinity = float_is_infinity(f, b);
    bool zero = !float_magnitude(f, a), by_zero = !float_magnitude(f, b);
    if ((infinite && by_infinity) || (zero && by_zero)) return float_invalid(f, env);
    if (by_zero) {
        if (!infinite) env->flags |= FLOAT_ZE;
        return float_signed(f, sign, float_infinity(f));
    }
    struct float_parts pa = float_unpack(f, a, env), pb = float_unpack(f, b, env);
    if (infinite || zero || by_infinity) return float_signed(f, sign, infinite ? float_infinity(f) : 0);
    return div_nonzero(f, pa, pb, env);
}

ALWAYS_INLINE uint64_t div(struct float_format f, uint64_t a, uint64_t b, struct float_env *env) {
    if (unlikely(!float_is_normal(f, a) || !float_is_normal(f, b))) return div_special(f, a, b, env);
    return div_nonzero(f, float_parts_of_normal(f, a), float_parts_of_normal(f, b), env);
}

// The root of significand * 2^(exponent - bias), the exponent made even by halving the significand.
ALWAYS_INLINE uint64_t sqrt_nonzero(struct float_format f, struct float_parts a, struct float_env *env) {
    int unbiased = a.exponent - f.exponent_max / 2;
    bool odd = unbiased & 1;
    uint64_t radicand = a.significand >> !odd, remainder;
    a.exponent = (unbiased - odd) / 2 + f.exponent_max / 2;
    if (f.fraction_bits == 23) {
        uint64_t root = float_sqrt_64(radicand, &remainder);
        a.significand = root << 32 | (remainder != 0);
    } else {
        uint128 rest;
        a.significand = float_sqrt_128((uint128)radicand << 64, &rest) | (rest != 0);
    }
    return float_pack(f, a, env);
}

ALWAYS_INLINE uint64_t square_root(struct float_format f, uint64_t a, struct float_env *env) {
    if (likely(float_is_normal(f, a) && !float_sign(f, a))) return sqrt_nonzero(f, float_parts_of_normal(f, a), env);
    if (float_is_nan(f, a)) return float_propagate_nan(f, a, a, env);
    a = float_zero_by_denormals(f, a, env);
    if (!float_magnitude(f, a)) return a;
    if (float_sign(f, a)) return float_invalid(f, env);
    if (float_is_infinity(f, a)) return a;
    return sqrt_nonzero(f, float_unpack(f, a, env), env);
}

f32 f32_mul(f32 a, f32 b, struct float_env *env) { return (f32)mul(FLOAT_SINGLE, a, b, env); }
f32 f32_div(f32 a, f32 b, struct float_env *env) { return (f32)div(FLOAT_SINGLE, a, b, env); }
f32 f32_sqrt(f32 a, struct float_env *env) { return (f32)square_root(FLOAT_SINGLE, a, env); }
f64 f64_mul(f64 a, f64 b, struct float_env *env) { return mul(FLOAT_DOUBLE, a, b, env); }
f64 f64_div(f64 a, f64 b, struct float_env *env) { return div(FLOAT_DOUBLE, a, b, env); }
f64 f64_sqrt(f64 a, struct float_env *env) { return square_root(FLOAT_DOUBLE, a, env); }
