// FADD, FSUB, FMUL, FDIV and FSQRT, rounded to the bits that precision control leaves. SDM volume 2A.
#include "cpu/float/float80.h"

// The sum of two nonzero values, the first not smaller in exponent. One bit is left free for the carry.
static struct f80 add_ordered(struct float_parts a, struct float_parts b, struct float_env *env) {
    uint128 high = (uint128)a.significand << 63;
    uint128 low = float80_shift_sticky((uint128)b.significand << 63, a.exponent - b.exponent), sum;
    if (a.sign == b.sign) {
        sum = high + low;
    } else {
        if (high == low) return float80_zero(env->rounding == FLOAT_DOWN);
        a.sign ^= low > high;
        sum = low > high ? low - high : high - low;
    }
    uint64_t top = (uint64_t)(sum >> 64);
    int zeros = top ? __builtin_clzll(top) : 64 + __builtin_clzll((uint64_t)sum);
    return float80_pack(a.sign, a.exponent + 1 - zeros, sum << zeros, env->precision, env);
}

static struct f80 add(struct f80 a, struct f80 b, bool subtract, struct float_env *env) {
    enum float80_class class_a = float80_class(a), class_b = float80_class(b);
    if (!float80_is_number(class_a) || !float80_is_number(class_b)) return float80_propagate_nan(a, b, env);
    if (subtract) b = f80_negate(b);
    bool signs_differ = float80_sign(a) != float80_sign(b);
    if (class_a == F80_IS_INFINITE && class_b == F80_IS_INFINITE && signs_differ) return float80_invalid(env);
    struct float_parts pa = float80_unpack(a, env), pb = float80_unpack(b, env);
    if (class_a == F80_IS_INFINITE) return a;
    if (class_b == F80_IS_INFINITE) return b;
    if (!pa.significand && !pb.significand) return signs_differ ? float80_zero(env->rounding == FLOAT_DOWN) : a;
    if (!pa.significand) return float80_pack(pb.sign, pb.exponent, (uint128)pb.significand << 64, env->precision, env);
    if (!pb.significand) return float80_pack(pa.sign, pa.exponent, (uint128)pa.significand << 64, env->precision, env);
    return pa.exponent >= pb.exponent ? add_ordered(pa, pb, env) : add_ordered(pb, pa, env);
}

struct f80 f80_add(struct f80 a, struct f80 b, struct float_env *env) {
    return add(a, b, false, env);
}
struct f80 f80_sub(struct f80 a, struct f80 b, struct float_env *env) {
    return add(a, b, true, env);
}

struct f80 f80_mul(struct f80 a, struct f80 b, struct float_env *env) {
    enum float80_class class_a = float80_class(a), class_b = float80_class(b);
    if (!float80_is_number(class_a) || !float80_is_number(class_b)) return float80_propagate_nan(a, b, env);
    bool infinite = class_a == F80_IS_INFINITE || class_b == F80_IS_INFINITE;
    bool zero = class_a == F80_IS_ZERO || class_b == F80_IS_ZERO;
    if (infinite && zero) return float80_invalid(env);
    struct float_parts pa = float80_unpack(a, env), pb = float80_unpack(b, env);
    bool sign = pa.sign != pb.sign;
    if (infinite) return float80_infinity(sign);
    if (zero) return float80_zero(sign);
    uint128 product = (uint128)pa.significand * pb.significand;
    bool carry = product >> 127;
    return float80_pack(sign, pa.exponent + pb.exponent - F80_BIAS + carry, product << !carry, env->precision, env);
}

// Below the first 64 bits: whether the remainder is zero, less or more than half of the divisor. (It never is exactly
// half.)
uint128 float80_quotient(uint64_t a, uint64_t b) {
    bool less = a < b;
    uint64_t remainder, quotient = float_divide(a >> !less, less ? 0 : a << 63, b, &remainder);
    bool more_than_half = remainder > b - remainder;
    return (uint128)quotient << 64 | (uint64_t)more_than_half << 63 | (remainder != 0);
}

struct f80 f80_div(struct f80 a, struct f80 b, struct float_env *env) {
    enum float80_class class_a = float80_class(a), class_b = float80_class(b);
    if (!float80_is_number(class_a) || !float80_is_number(class_b)) return float80_propagate_nan(a, b, env);
    if (class_a == class_b && class_a != F80_IS_FINITE) return float80_invalid(env);
    bool sign = float80_sign(a) != float80_sign(b);
    if (class_b == F80_IS_ZERO) {
        env->flags = class_a == F80_IS_FINITE ? FLOAT_ZE : env->flags;
        return float80_infinity(sign);
    }
    struct float_parts pa = float80_unpack(a, env), pb = float80_unpack(b, env);
    if (class_a == F80_IS_INFINITE) return float80_infinity(sign);
    if (class_a == F80_IS_ZERO || class_b == F80_IS_INFINITE) return float80_zero(sign);
    int exponent = pa.exponent - pb.exponent + F80_BIAS - (pa.significand < pb.significand);
    uint128 quotient = float80_quotient(pa.significand, pb.significand);
    return float80_pack(sign, exponent, quotient, env->precision, env);
}

struct f80 f80_sqrt(struct f80 a, struct float_env *env) {
    enum float80_class class = float80_class(a);
    if (!float80_is_number(class)) return float80_propagate_nan(a, a, env);
    if (class == F80_IS_ZERO) return a;
    if (float80_sign(a)) return float80_invalid(env);
    if (class == F80_IS_INFINITE) return a;
    struct float_parts parts = float80_unpack(a, env);
    int unbiased = parts.exponent - F80_BIAS;
    bool odd = unbiased & 1;
    uint128 rest, radicand = (uint128)parts.significand << (63 + odd);
    uint64_t root = float_sqrt_128(radicand, &rest);
    // The next bit of the root is 1 if n - root^2 exceeds root + 1/4.
    uint128 significand = (uint128)root << 64 | (uint64_t)(rest > root) << 63 | (rest != 0);
    return float80_pack(false, (unbiased - odd) / 2 + F80_BIAS, significand, env->precision, env);
}
