// Double-extended precision: from encodings to values and back. SDM volume 1, sections 4.8.3.5 (NaNs), 8.2.2
// (unsupported encodings), 8.5.4 and 8.5.5 (overflow and underflow, with the exponent adjusted by 24576 if unmasked).
#include "cpu/float/float80.h"

enum { EXPONENT_ADJUSTMENT = 24576 };

enum float80_class float80_class(struct f80 a) {
    int exponent = float80_exponent(a);
    if (exponent == 0) return a.significand ? F80_IS_FINITE : F80_IS_ZERO;
    if (!(a.significand & F80_INTEGER_BIT)) return F80_IS_UNSUPPORTED;
    if (exponent != F80_EXPONENT_MAX) return F80_IS_FINITE;
    if (a.significand == F80_INTEGER_BIT) return F80_IS_INFINITE;
    return a.significand & F80_QUIET_BIT ? F80_IS_QUIET : F80_IS_SIGNALING;
}

struct float_parts float80_parts(struct f80 a) {
    struct float_parts parts = {float80_sign(a), float80_exponent(a), a.significand};
    if (parts.exponent == 0 && parts.significand) {
        int zeros = __builtin_clzll(parts.significand);
        parts.significand <<= zeros;
        parts.exponent = 1 - zeros;
    }
    return parts;
}

struct float_parts float80_unpack(struct f80 a, struct float_env *env) {
    if (float80_exponent(a) == 0 && a.significand) env->flags |= FLOAT_DE;
    return float80_parts(a);
}

// Rounds to the nearest multiple of 2^(128 - precision), as an integer of `precision` bits.
struct rounded {
    uint128 significand;
    bool inexact, up;
};

static struct rounded round_bits(bool sign, uint128 significand, unsigned precision, unsigned rounding) {
    unsigned drop = 128 - precision;
    uint128 dropped = significand << precision;
    struct rounded r = {.significand = significand >> drop, .inexact = dropped != 0};
    // 64 bits with a sticky one are enough for the comparison with one half.
    uint64_t high = (uint64_t)(dropped >> 64) | ((uint64_t)dropped != 0);
    r.up = float_rounds_up(high, 1ull << 63, r.significand & 1, sign, rounding);
    r.significand += r.up;
    return r;
}

// A tiny result with underflow masked: a denormal, a zero, or rounded up to the smallest normal value. Denormals are
// rounded to the bit that precision control would keep of a normal value.
static struct f80 pack_denormal(bool sign, int exponent, uint128 significand, unsigned precision,
                                struct float_env *env) {
    significand = float80_shift_sticky(significand, 1 - exponent);
    struct rounded r = round_bits(sign, significand, precision, env->rounding);
    if (r.inexact) env->flags |= FLOAT_UE | FLOAT_PE;
    env->round_up = r.up;
    uint64_t bits = (uint64_t)(r.significand << (64 - precision));
    return float80_make(sign, bits >> 63 != 0, bits);
}

// Table 4-10; the largest finite value has as many ones as precision control leaves.
static struct f80 pack_overflow(bool sign, unsigned precision, struct float_env *env) {
    env->flags |= FLOAT_OE | FLOAT_PE;
    env->round_up = env->rounding == FLOAT_NEAREST || env->rounding == (sign ? FLOAT_DOWN : FLOAT_UP);
    if (env->round_up) return float80_infinity(sign);
    return float80_make(sign, F80_EXPONENT_MAX - 1, ~0ull << (64 - precision));
}

// Unmasked overflow or underflow: the rounded significand with the exponent brought back into range. After FSCALE it
// may still be out of it: infinity or zero, and inexact.
static struct f80 pack_adjusted(bool sign, int exponent, uint64_t bits, struct float_env *env) {
    bool overflow = exponent > 0;
    env->flags |= overflow ? FLOAT_OE : FLOAT_UE;
    exponent += overflow ? -EXPONENT_ADJUSTMENT : EXPONENT_ADJUSTMENT;
    if (exponent >= 1 && exponent < F80_EXPONENT_MAX) return float80_make(sign, exponent, bits);
    env->flags |= FLOAT_PE;
    env->round_up = overflow;
    return overflow ? float80_infinity(sign) : float80_zero(sign);
}

struct f80 float80_pack(bool sign, int exponent, uint128 significand, unsigned precision, struct float_env *env) {
    if (float_env_blocked(env)) return F80_INDEFINITE;
    struct rounded r = round_bits(sign, significand, precision, env->rounding);
    uint128 bits = r.significand << (64 - precision);
    int rounded_exponent = exponent;
    if (bits >> 64) {
        bits >>= 1;
        rounded_exponent++;
    }
    if (rounded_exponent < 1 && env->masks & FLOAT_UE)
        return pack_denormal(sign, exponent, significand, precision, env);
    if (rounded_exponent >= F80_EXPONENT_MAX && env->masks & FLOAT_OE) return pack_overflow(sign, precision, env);
    if (r.inexact) env->flags |= FLOAT_PE;
    env->round_up = r.up;
    if (rounded_exponent < 1 || rounded_exponent >= F80_EXPONENT_MAX)
        return pack_adjusted(sign, rounded_exponent, (uint64_t)bits, env);
    return float80_make(sign, rounded_exponent, (uint64_t)bits);
}

// An invalid operation takes precedence over a denormal operand (section 4.9.2), also over one met when a memory
// operand was converted: the flags are set, not added to.
struct f80 float80_invalid(struct float_env *env) {
    env->flags = FLOAT_IE;
    return F80_INDEFINITE;
}

// Table 4-7, the rules for the x87 FPU: an unsupported operand is invalid; of a QNaN and an SNaN the QNaN is returned,
// of two alike the one with the larger significand, and of equal ones the positive.
struct f80 float80_propagate_nan(struct f80 a, struct f80 b, struct float_env *env) {
    enum float80_class class_a = float80_class(a), class_b = float80_class(b);
    if (class_a == F80_IS_UNSUPPORTED || class_b == F80_IS_UNSUPPORTED) return float80_invalid(env);
    env->flags = class_a == F80_IS_SIGNALING || class_b == F80_IS_SIGNALING ? FLOAT_IE : 0;
    bool take_a = float80_is_number(class_b);
    if (!float80_is_number(class_a) && !float80_is_number(class_b)) {
        if (class_a != class_b)
            take_a = class_a == F80_IS_QUIET;
        else if (a.significand != b.significand)
            take_a = a.significand > b.significand;
        else
            take_a = !float80_sign(a);
    }
    struct f80 result = take_a ? a : b;
    result.significand |= F80_QUIET_BIT;
    return result;
}
