// The seldom cases of single and double precision: results that overflow or are tiny, operands that are denormal, and
// NaNs. SDM volume 1, sections 4.8.3.5, 4.9.1.4, 4.9.1.5, 10.2.3.3 (flush-to-zero) and 10.2.3.4 (denormals-are-zeros).
#include "cpu/float/float_format.h"

// The masked response to numeric overflow (Table 4-10). An unmasked one is inexact only if the significand was rounded.
COLD uint64_t float_pack_overflow(struct float_format f, bool sign, bool inexact, struct float_env *env) {
    bool infinite = env->rounding == FLOAT_NEAREST || env->rounding == (sign ? FLOAT_DOWN : FLOAT_UP);
    if (inexact || env->masks & FLOAT_OE) env->flags |= FLOAT_PE;
    env->flags |= FLOAT_OE;
    env->round_up = infinite;
    return float_signed(f, sign, infinite ? float_infinity(f) : float_infinity(f) - 1);
}

// True if rounding at full precision, as if exponents had no bound, yields the smallest normal value after all.
static bool rounds_to_normal(struct float_format f, struct float_parts parts, unsigned rounding) {
    const int drop = 63 - f.fraction_bits;
    uint64_t dropped = parts.significand & ((1ull << drop) - 1);
    return parts.exponent == 0 && parts.significand >> drop == (2ull << f.fraction_bits) - 1 &&
           float_rounds_up(dropped, 1ull << (drop - 1), true, parts.sign, rounding);
}

// Rounds a value below the normal range (parts.exponent < 1): tininess is detected after rounding; a masked underflow
// is reported only if the result is also inexact, an unmasked one always (section 4.9.1.5).
COLD uint64_t float_pack_tiny(struct float_format f, struct float_parts parts, struct float_env *env) {
    const int drop = 63 - f.fraction_bits;
    const uint64_t drop_mask = (1ull << drop) - 1;
    bool tiny = !rounds_to_normal(f, parts, env->rounding);
    if (tiny && !(env->masks & FLOAT_UE)) {
        env->flags |= parts.significand & drop_mask ? FLOAT_UE | FLOAT_PE : FLOAT_UE;
        return float_signed(f, parts.sign, 0);
    }
    if (tiny && env->flush_to_zero) {
        env->flags |= FLOAT_UE | FLOAT_PE;
        return float_signed(f, parts.sign, 0);
    }
    uint64_t significand = float_shift_sticky(parts.significand, 1 - parts.exponent);
    uint64_t dropped = significand & drop_mask;
    bool odd = significand >> drop & 1;
    bool up = float_rounds_up(dropped, 1ull << (drop - 1), odd, parts.sign, env->rounding);
    if (dropped) env->flags |= tiny ? FLOAT_UE | FLOAT_PE : FLOAT_PE;
    env->round_up = up;
    return float_signed(f, parts.sign, (significand >> drop) + up);
}

// Denormals-are-zeros: a denormal source operand becomes a zero with its sign.
uint64_t float_zero_by_denormals(struct float_format f, uint64_t a, const struct float_env *env) {
    return env->denormals_are_zero && float_is_denormal(f, a) ? a & float_sign_bit(f) : a;
}

// The parts of a finite value, for the operations that may meet a denormal: sets DE for it.
struct float_parts float_unpack(struct float_format f, uint64_t a, struct float_env *env) {
    if (float_exponent(f, a)) return float_parts_of_normal(f, a);
    struct float_parts parts = {.sign = float_sign(f, a)};
    if (!float_magnitude(f, a)) return parts;
    env->flags |= FLOAT_DE;
    int zeros = __builtin_clzll(float_magnitude(f, a));
    parts.significand = a << zeros;
    parts.exponent = 64 - f.fraction_bits - zeros;
    return parts;
}

// The masked response to an invalid operation on operands that are not NaNs: QNaN floating-point indefinite.
COLD uint64_t float_invalid(struct float_format f, struct float_env *env) {
    env->flags |= FLOAT_IE;
    return float_signed(f, true, float_infinity(f) | float_quiet_bit(f));
}

// The result when one or both operands are NaNs, by the rules for SSE of Table 4-7: the first NaN, made quiet.
COLD uint64_t float_propagate_nan(struct float_format f, uint64_t a, uint64_t b, struct float_env *env) {
    if (float_is_signaling(f, a) || float_is_signaling(f, b)) env->flags |= FLOAT_IE;
    return (float_is_nan(f, a) ? a : b) | float_quiet_bit(f);
}
