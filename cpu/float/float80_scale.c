// FRNDINT, FSCALE, FXTRACT and the constants of FLDPI and its like. SDM volume 2A.
#include "cpu/float/float80.h"
#include "cpu/float/float_convert.h"

struct f80 f80_round(struct f80 a, struct float_env *env) {
    enum float80_class class = float80_class(a);
    if (!float80_is_number(class)) return float80_propagate_nan(a, a, env);
    if (class != F80_IS_FINITE) return a;
    struct float_parts parts = float80_unpack(a, env);
    parts.exponent -= F80_BIAS;
    if (parts.exponent >= 63 || float_env_blocked(env)) return a;
    struct float_integral r = float_integral(parts, env->rounding);
    if (r.inexact) env->flags |= FLOAT_PE;
    env->round_up = r.up;
    if (!r.magnitude) return float80_zero(parts.sign);
    int zeros = __builtin_clzll(r.magnitude);
    return float80_make(parts.sign, F80_BIAS + 63 - zeros, r.magnitude << zeros);
}

// The integer part of FSCALE's second operand; beyond this limit the result is out of range whatever the first is.
static int scale_distance(struct f80 scale) {
    const int limit = 100000;
    struct float_parts parts = float80_parts(scale);
    int exponent = parts.exponent - F80_BIAS;
    if (!parts.significand || exponent < 0) return 0;
    if (exponent > 16) return parts.sign ? -limit : limit;
    int distance = (int)(parts.significand >> (63 - exponent));
    return parts.sign ? -distance : distance;
}

// Table 3-34. Not affected by precision control.
struct f80 f80_scale(struct f80 a, struct f80 scale, struct float_env *env) {
    enum float80_class class = float80_class(a), class_scale = float80_class(scale);
    if (!float80_is_number(class) || !float80_is_number(class_scale)) return float80_propagate_nan(a, scale, env);
    bool down = float80_sign(scale);
    if (class_scale == F80_IS_INFINITE && class == (down ? F80_IS_INFINITE : F80_IS_ZERO)) return float80_invalid(env);
    struct float_parts parts = float80_unpack(a, env);
    float80_unpack(scale, env);
    if (class_scale == F80_IS_INFINITE) return down ? float80_zero(parts.sign) : float80_infinity(parts.sign);
    if (class != F80_IS_FINITE || class_scale == F80_IS_ZERO) return float80_unchanged(a);
    return float80_pack(parts.sign, parts.exponent + scale_distance(scale), (uint128)parts.significand << 64, 64, env);
}

struct f80 f80_extract(struct f80 a, struct f80 *exponent, struct float_env *env) {
    enum float80_class class = float80_class(a);
    if (!float80_is_number(class)) return *exponent = float80_propagate_nan(a, a, env);
    if (class == F80_IS_INFINITE) {
        *exponent = float80_infinity(false);
        return a;
    }
    if (class == F80_IS_ZERO) {
        env->flags |= FLOAT_ZE;
        *exponent = float80_infinity(true);
        return a;
    }
    struct float_parts parts = float80_unpack(a, env);
    *exponent = f80_from_i64(parts.exponent - F80_BIAS);
    return float80_make(parts.sign, F80_BIAS, parts.significand);
}

// The first 64 bits of each constant, and whether the next one is 1; the rest is never zero.
struct f80 f80_constant(enum float_constant constant, enum float_rounding rounding) {
    static const struct {
        uint64_t significand;
        int16_t exponent;
        bool nearest_is_up;
    } constants[] = {
        [FLOAT_LOG2_10] = {0xd49a784bcd1b8afe, 1, false}, [FLOAT_LOG2_E] = {0xb8aa3b295c17f0bb, 0, true},
        [FLOAT_PI] = {0xc90fdaa22168c234, 1, true},       [FLOAT_LOG10_2] = {0x9a209a84fbcff798, -2, true},
        [FLOAT_LN_2] = {0xb17217f7d1cf79ab, -1, true},
    };
    bool up = rounding == FLOAT_UP || (rounding == FLOAT_NEAREST && constants[constant].nearest_is_up);
    return float80_make(false, F80_BIAS + constants[constant].exponent, constants[constant].significand + up);
}
