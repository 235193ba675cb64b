// Conversions between double-extended precision and the formats of memory operands: FLD, FST, FILD, FIST, FISTTP, FBLD,
// FBSTP. SDM volume 2A; sections 8.5.4 and 8.5.5 for stores that overflow or underflow.
#include "cpu/float/float80.h"
#include "cpu/float/float_convert.h"
#include <string.h>

// SNaNs stay SNaNs; a denormal becomes a normal value, and sets DE.
static struct f80 from_format(struct float_format f, uint64_t a, struct float_env *env) {
    bool sign = float_sign(f, a);
    if (float_exponent(f, a) == f.exponent_max)
        return float80_make(sign, F80_EXPONENT_MAX, a << (63 - f.fraction_bits) | F80_INTEGER_BIT);
    struct float_parts parts = float_unpack(f, a, env);
    if (!parts.significand) return float80_zero(sign);
    return float80_make(sign, parts.exponent - f.exponent_max / 2 + F80_BIAS, parts.significand);
}

struct f80 f80_from_f32(f32 a, struct float_env *env) {
    return from_format(FLOAT_SINGLE, a, env);
}
struct f80 f80_from_f64(f64 a, struct float_env *env) {
    return from_format(FLOAT_DOUBLE, a, env);
}

static struct f80 load(struct f80 a, struct float_env *env) {
    return float80_is_number(float80_class(a)) ? a : float80_propagate_nan(a, a, env);
}

struct f80 f80_load_f32(f32 a, struct float_env *env) {
    return load(f80_from_f32(a, env), env);
}
struct f80 f80_load_f64(f64 a, struct float_env *env) {
    return load(f80_from_f64(a, env), env);
}

// The operand of a store is not reported when denormal. A result that is not stored because of an unmasked overflow or
// underflow is not reported as inexact (section 8.5.6).
static uint64_t to_format(struct float_format f, struct f80 a, struct float_env *env) {
    enum float80_class class = float80_class(a);
    bool sign = float80_sign(a);
    if (class == F80_IS_ZERO) return float_signed(f, sign, 0);
    if (class == F80_IS_INFINITE) return float_signed(f, sign, float_infinity(f));
    if (class != F80_IS_FINITE) {
        a = float80_propagate_nan(a, a, env);
        uint64_t fraction = (a.significand & ~F80_INTEGER_BIT) >> (63 - f.fraction_bits);
        return float_signed(f, float80_sign(a), float_infinity(f) | fraction);
    }
    struct float_parts parts = float80_parts(a);
    parts.exponent += f.exponent_max / 2 - F80_BIAS;
    if (parts.exponent > f.exponent_max) parts.exponent = f.exponent_max; // overflows as well
    uint64_t result = float_pack(f, parts, env);
    if (float_env_store_blocked(env)) {
        env->flags &= ~FLOAT_PE;
        env->round_up = false;
    }
    return result;
}

f32 f80_to_f32(struct f80 a, struct float_env *env) { return (f32)to_format(FLOAT_SINGLE, a, env); }
f64 f80_to_f64(struct f80 a, struct float_env *env) { return to_format(FLOAT_DOUBLE, a, env); }

static int64_t to_integer(struct f80 a, int width, unsigned rounding, struct float_env *env) {
    if (float80_class(a) > F80_IS_FINITE) {
        env->flags = FLOAT_IE;
        return (int64_t)(0 - (1ull << (width - 1)));
    }
    struct float_parts parts = float80_parts(a);
    parts.exponent -= F80_BIAS;
    return float_to_integer(parts, width, rounding, env);
}

int16_t f80_to_i16(struct f80 a, struct float_env *env) { return (int16_t)to_integer(a, 16, env->rounding, env); }
int32_t f80_to_i32(struct f80 a, struct float_env *env) { return (int32_t)to_integer(a, 32, env->rounding, env); }
int64_t f80_to_i64(struct f80 a, struct float_env *env) { return to_integer(a, 64, env->rounding, env); }

int16_t f80_to_i16_truncate(struct f80 a, struct float_env *env) {
    return (int16_t)to_integer(a, 16, FLOAT_TRUNCATE, env);
}

int32_t f80_to_i32_truncate(struct f80 a, struct float_env *env) {
    return (int32_t)to_integer(a, 32, FLOAT_TRUNCATE, env);
}

int64_t f80_to_i64_truncate(struct f80 a, struct float_env *env) { return to_integer(a, 64, FLOAT_TRUNCATE, env); }

struct f80 f80_from_i64(int64_t a) {
    struct float_parts parts = float_from_integer(a);
    if (!a) return F80_ZERO;
    return float80_make(parts.sign, parts.exponent + F80_BIAS, parts.significand);
}

// Packed BCD: 18 digits, the lowest in bits 3:0 of byte 0; the sign is bit 7 of byte 9 (section 4.7, Figure 4-4). The
// digits AH to FH, whose meaning is undefined, count as 10 to 15, as they do in processors.
struct f80 f80_from_bcd(const uint8_t bcd[10]) {
    uint64_t value = 0;
    for (int i = 8; i >= 0; i--) value = value * 100 + (bcd[i] >> 4) * 10u + (bcd[i] & 15);
    struct f80 result = f80_from_i64((int64_t)value);
    return bcd[9] & 0x80 ? f80_negate(result) : result;
}

void f80_to_bcd(struct f80 a, uint8_t bcd[10], struct float_env *env) {
    const int64_t limit = 1000000000000000000;
    int64_t value = to_integer(a, 64, env->rounding, env);
    if (value >= limit || value <= -limit) {
        static const uint8_t indefinite[10] = {[7] = 0xc0, [8] = 0xff, [9] = 0xff};
        env->flags = FLOAT_IE;
        env->round_up = false;
        memcpy(bcd, indefinite, sizeof indefinite);
        return;
    }
    uint64_t magnitude = (uint64_t)(value < 0 ? -value : value);
    for (int i = 0; i < 9; i++, magnitude /= 100) bcd[i] = (uint8_t)(magnitude / 10 % 10 << 4 | magnitude % 10);
    bcd[9] = float80_sign(a) ? 0x80 : 0;
}
