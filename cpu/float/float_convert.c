// Conversions between single precision, double precision and integers. SDM volume 2, CVTSS2SD, CVTSD2SS, CVTSS2SI,
// CVTTSS2SI, CVTSI2SS and their like; Table 11-1 for what does not fit.
#include "cpu/float/float_convert.h"
#include "cpu/float/float_format.h"

struct float_integral float_integral(struct float_parts value, unsigned rounding) {
    // The fraction times 2^64; one that is far below one half is just not zero.
    struct float_integral r = {0};
    uint64_t fraction = value.significand != 0;
    if (value.exponent >= 0) {
        r.magnitude = value.significand >> (63 - value.exponent);
        fraction = value.significand << (value.exponent + 1);
    } else if (value.exponent == -1) {
        fraction = value.significand;
    }
    r.inexact = fraction != 0;
    r.up = float_rounds_up(fraction, 1ull << 63, r.magnitude & 1, value.sign, rounding);
    r.magnitude += r.up;
    return r;
}

int64_t float_to_integer(struct float_parts value, int width, unsigned rounding, struct float_env *env) {
    const uint64_t limit = 1ull << (width - 1);
    struct float_integral r = {.magnitude = value.exponent > 63 ? UINT64_MAX : value.significand};
    if (value.exponent < 63) r = float_integral(value, rounding);
    if (r.magnitude > limit - !value.sign) {
        env->flags |= FLOAT_IE;
        return (int64_t)(0 - limit);
    }
    if (r.inexact) env->flags |= FLOAT_PE;
    env->round_up = r.up;
    return (int64_t)(value.sign ? 0 - r.magnitude : r.magnitude);
}

struct float_parts float_from_integer(int64_t a) {
    struct float_parts parts = {.sign = a < 0, .significand = a < 0 ? 0 - (uint64_t)a : (uint64_t)a};
    if (!a) return parts;
    int zeros = __builtin_clzll(parts.significand);
    parts.significand <<= zeros;
    parts.exponent = 63 - zeros;
    return parts;
}

// These conversions do not report denormal operands (section 11.5.2.2).
ALWAYS_INLINE int64_t to_integer(struct float_format f, uint64_t a, int width, unsigned rounding,
                                 struct float_env *env) {
    if (unlikely(float_exponent(f, a) == f.exponent_max)) {
        env->flags |= FLOAT_IE;
        return (int64_t)(0 - (1ull << (width - 1)));
    }
    a = float_zero_by_denormals(f, a, env);
    struct float_parts parts = {.sign = float_sign(f, a), .significand = float_magnitude(f, a) != 0};
    parts.exponent = -1000;
    if (float_is_normal(f, a)) {
        parts = float_parts_of_normal(f, a);
        parts.exponent -= f.exponent_max / 2;
    }
    return float_to_integer(parts, width, rounding, env);
}

ALWAYS_INLINE uint64_t from_integer(struct float_format f, int64_t a, struct float_env *env) {
    struct float_parts parts = float_from_integer(a);
    if (!a) return 0;
    parts.exponent += f.exponent_max / 2;
    return float_pack(f, parts, env);
}

// A NaN keeps its sign and the high bits of its fraction.
ALWAYS_INLINE uint64_t convert_nan(struct float_format from, struct float_format to, uint64_t a) {
    uint64_t fraction = a << (63 - from.fraction_bits) & ~(1ull << 63);
    return float_signed(to, float_sign(from, a), float_infinity(to) | fraction >> (63 - to.fraction_bits));
}

ALWAYS_INLINE uint64_t convert(struct float_format from, struct float_format to, uint64_t a, struct float_env *env) {
    if (float_is_nan(from, a)) return convert_nan(from, to, float_propagate_nan(from, a, a, env));
    a = float_zero_by_denormals(from, a, env);
    if (float_is_infinity(from, a)) return float_signed(to, float_sign(from, a), float_infinity(to));
    if (!float_magnitude(from, a)) return float_signed(to, float_sign(from, a), 0);
    struct float_parts parts = float_unpack(from, a, env);
    parts.exponent += to.exponent_max / 2 - from.exponent_max / 2;
    return float_pack(to, parts, env);
}

f64 f32_to_f64(f32 a, struct float_env *env) { return convert(FLOAT_SINGLE, FLOAT_DOUBLE, a, env); }
f32 f64_to_f32(f64 a, struct float_env *env) { return (f32)convert(FLOAT_DOUBLE, FLOAT_SINGLE, a, env); }

f32 i32_to_f32(int32_t a, struct float_env *env) { return (f32)from_integer(FLOAT_SINGLE, a, env); }
f32 i64_to_f32(int64_t a, struct float_env *env) { return (f32)from_integer(FLOAT_SINGLE, a, env); }
f64 i64_to_f64(int64_t a, struct float_env *env) { return from_integer(FLOAT_DOUBLE, a, env); }
f64 i32_to_f64(int32_t a) { return from_integer(FLOAT_DOUBLE, a, &(struct float_env){0}); }

int32_t f32_to_i32(f32 a, struct float_env *env) {
    return (int32_t)to_integer(FLOAT_SINGLE, a, 32, env->rounding, env);
}
int64_t f32_to_i64(f32 a, struct float_env *env) { return to_integer(FLOAT_SINGLE, a, 64, env->rounding, env); }
int32_t f64_to_i32(f64 a, struct float_env *env) {
    return (int32_t)to_integer(FLOAT_DOUBLE, a, 32, env->rounding, env);
}
int64_t f64_to_i64(f64 a, struct float_env *env) { return to_integer(FLOAT_DOUBLE, a, 64, env->rounding, env); }
int32_t f32_to_i32_truncate(f32 a, struct float_env *env) {
    return (int32_t)to_integer(FLOAT_SINGLE, a, 32, FLOAT_TRUNCATE, env);
}

int64_t f32_to_i64_truncate(f32 a, struct float_env *env) {
    return to_integer(FLOAT_SINGLE, a, 64, FLOAT_TRUNCATE, env);
}

int32_t f64_to_i32_truncate(f64 a, struct float_env *env) {
    return (int32_t)to_integer(FLOAT_DOUBLE, a, 32, FLOAT_TRUNCATE, env);
}

int64_t f64_to_i64_truncate(f64 a, struct float_env *env) {
    return to_integer(FLOAT_DOUBLE, a, 64, FLOAT_TRUNCATE, env);
}
