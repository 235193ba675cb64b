// Addition and subtraction of single and double precision. SDM volume 2, ADDPS, ADDPD, SUBPS, SUBPD.
#include "cpu/float/float_format.h"

// The sum of two nonzero values of which the first is not smaller in exponent. One bit is left free for the carry, and
// at least ten below the last place, so that a sticky bit is enough for what is shifted out.
ALWAYS_INLINE uint64_t add_ordered(struct float_format f, struct float_parts a, struct float_parts b,
                                   struct float_env *env) {
    uint64_t high = a.significand >> 1;
    uint64_t low = float_shift_sticky(b.significand >> 1, a.exponent - b.exponent);
    uint64_t sum;
    if (a.sign == b.sign) {
        sum = high + low;
    } else if (likely(high != low)) {
        a.sign ^= low > high;
        sum = low > high ? low - high : high - low;
    } else {
        return float_signed(f, env->rounding == FLOAT_DOWN, 0);
    }
    int zeros = __builtin_clzll(sum);
    a.significand = sum << zeros;
    a.exponent += 1 - zeros;
    return float_pack(f, a, env);
}

ALWAYS_INLINE uint64_t add_nonzero(struct float_format f, struct float_parts a, struct float_parts b,
                                   struct float_env *env) {
    return a.exponent >= b.exponent ? add_ordered(f, a, b, env) : add_ordered(f, b, a, env);
}

// a + b or a - b where one is a zero, denormal, infinity or NaN.
COLD static uint64_t add_special(struct float_format f, uint64_t a, uint64_t b, bool subtract, struct float_env *env) {
    if (float_is_nan(f, a) || float_is_nan(f, b)) return float_propagate_nan(f, a, b, env);
    a = float_zero_by_denormals(f, a, env);
    b = float_zero_by_denormals(f, b, env) ^ (subtract ? float_sign_bit(f) : 0);
    bool signs_differ = float_sign(f, a) != float_sign(f, b);
    if (float_is_infinity(f, a) && float_is_infinity(f, b) && signs_differ) return float_invalid(f, env);
    struct float_parts pa = float_unpack(f, a, env), pb = float_unpack(f, b, env);
    if (float_is_infinity(f, a)) return a;
    if (float_is_infinity(f, b)) return b;
    if (!pa.significand && !pb.significand) return signs_differ ? float_signed(f, env->rounding == FLOAT_DOWN, 0) : a;
    if (!pa.significand) return float_pack(f, pb, env);
    if (!pb.significand) return float_pack(f, pa, env);
    return add_nonzero(f, pa, pb, env);
}

ALWAYS_INLINE uint64_t add(struct float_format f, uint64_t a, uint64_t b, bool subtract, struct float_env *env) {
    if (unlikely(!float_is_normal(f, a) || !float_is_normal(f, b))) return add_special(f, a, b, subtract, env);
    struct float_parts pa = float_parts_of_normal(f, a), pb = float_parts_of_normal(f, b);
    pb.sign ^= subtract;
    return add_nonzero(f, pa, pb, env);
}

f32 f32_add(f32 a, f32 b, struct float_env *env) { return (f32)add(FLOAT_SINGLE, a, b, false, env); }
f32 f32_sub(f32 a, f32 b, struct float_env *env) { return (f32)add(FLOAT_SINGLE, a, b, true, env); }
f64 f64_add(f64 a, f64 b, struct float_env *env) { return add(FLOAT_DOUBLE, a, b, false, env); }
f64 f64_sub(f64 a, f64 b, struct float_env *env) { return add(FLOAT_DOUBLE, a, b, true, env); }
