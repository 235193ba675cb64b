// What single and double precision have in common: their fields, an unpacked form, and rounding into the packed one.
// The arithmetic is written once over a constant `struct float_format`; bits travel as uint64_t. SDM volume 1,
// sections 4.2.2 and 4.8.
#ifndef CPU_FLOAT_FORMAT_H
#define CPU_FLOAT_FORMAT_H
#include "cpu/float/float.h"
#include "cpu/state/outcome.h"
#include "cpu/float/float_wide.h"

struct float_format {
    int fraction_bits; // without the implied integer bit
    int exponent_max;  // the biased exponent of infinities and NaNs; the bias is half of it
};
#define FLOAT_SINGLE ((struct float_format){.fraction_bits = 23, .exponent_max = 0xff})
#define FLOAT_DOUBLE ((struct float_format){.fraction_bits = 52, .exponent_max = 0x7ff})

// A finite value: magnitude = significand / 2^63 * 2^(exponent - bias). Bit 63 is set, or the significand is 0.
struct float_parts {
    bool sign;
    int exponent;
    uint64_t significand;
};

ALWAYS_INLINE uint64_t float_sign_bit(struct float_format f) {
    return (uint64_t)(f.exponent_max + 1) << f.fraction_bits;
}
ALWAYS_INLINE bool float_sign(struct float_format f, uint64_t a) { return a & float_sign_bit(f); }
ALWAYS_INLINE uint64_t float_magnitude(struct float_format f, uint64_t a) { return a & ~float_sign_bit(f); }
ALWAYS_INLINE int float_exponent(struct float_format f, uint64_t a) {
    return (int)(a >> f.fraction_bits) & f.exponent_max;
}
ALWAYS_INLINE uint64_t float_quiet_bit(struct float_format f) { return 1ull << (f.fraction_bits - 1); }
ALWAYS_INLINE uint64_t float_infinity(struct float_format f) { return (uint64_t)f.exponent_max << f.fraction_bits; }
ALWAYS_INLINE uint64_t float_signed(struct float_format f, bool sign, uint64_t magnitude) {
    return magnitude | (sign ? float_sign_bit(f) : 0);
}

// Neither zero, denormal, infinity nor NaN.
ALWAYS_INLINE bool float_is_normal(struct float_format f, uint64_t a) {
    return (unsigned)float_exponent(f, a) - 1u < (unsigned)f.exponent_max - 1u;
}
ALWAYS_INLINE bool float_is_nan(struct float_format f, uint64_t a) { return float_magnitude(f, a) > float_infinity(f); }
ALWAYS_INLINE bool float_is_infinity(struct float_format f, uint64_t a) {
    return float_magnitude(f, a) == float_infinity(f);
}
ALWAYS_INLINE bool float_is_signaling(struct float_format f, uint64_t a) {
    return float_is_nan(f, a) && !(a & float_quiet_bit(f));
}
ALWAYS_INLINE bool float_is_denormal(struct float_format f, uint64_t a) {
    return float_magnitude(f, a) - 1 < (1ull << f.fraction_bits) - 1;
}

// The parts of a normal value.
ALWAYS_INLINE struct float_parts float_parts_of_normal(struct float_format f, uint64_t a) {
    uint64_t significand = a << (63 - f.fraction_bits) | 1ull << 63;
    return (struct float_parts){float_sign(f, a), float_exponent(f, a), significand};
}

// Shifts right by any distance; bits shifted out leave a sticky bit 0.
ALWAYS_INLINE uint64_t float_shift_sticky(uint64_t significand, int distance) {
    if (distance == 0) return significand;
    if (distance > 63) return significand != 0;
    return significand >> distance | (significand << (64 - distance) != 0);
}

// True if a magnitude is rounded up, given the bits that are dropped, half a unit in the last place in the same scale,
// and whether the last bit kept is odd. Section 4.8.4.
ALWAYS_INLINE bool float_rounds_up(uint64_t dropped, uint64_t half, bool odd, bool sign, unsigned rounding) {
    if (likely(rounding == FLOAT_NEAREST)) return dropped > half || (dropped == half && odd);
    return dropped && rounding == (sign ? FLOAT_DOWN : FLOAT_UP);
}

// cpu/float/float_pack.c: what float_pack and the operations do seldom.
uint64_t float_pack_overflow(struct float_format f, bool sign, bool inexact, struct float_env *env);
uint64_t float_pack_tiny(struct float_format f, struct float_parts parts, struct float_env *env);
uint64_t float_zero_by_denormals(struct float_format f, uint64_t a, const struct float_env *env);
struct float_parts float_unpack(struct float_format f, uint64_t a, struct float_env *env);
uint64_t float_invalid(struct float_format f, struct float_env *env);
uint64_t float_propagate_nan(struct float_format f, uint64_t a, uint64_t b, struct float_env *env);

// Rounds a nonzero value to the format. Bit 63 of the significand is set, bit 0 is sticky.
ALWAYS_INLINE uint64_t float_pack(struct float_format f, struct float_parts parts, struct float_env *env) {
    const int drop = 63 - f.fraction_bits;
    uint64_t dropped = parts.significand & ((1ull << drop) - 1);
    bool odd = parts.significand >> drop & 1;
    if (unlikely(parts.exponent < 1)) return float_pack_tiny(f, parts, env);
    bool up = float_rounds_up(dropped, 1ull << (drop - 1), odd, parts.sign, env->rounding);
    // The integer bit counts as 1 in the exponent field, and so does a carry out of the fraction.
    uint64_t magnitude = ((uint64_t)(parts.exponent - 1) << f.fraction_bits) + (parts.significand >> drop) + up;
    if (unlikely(magnitude >= float_infinity(f))) return float_pack_overflow(f, parts.sign, dropped != 0, env);
    if (dropped) env->flags |= FLOAT_PE;
    env->round_up = up;
    return float_signed(f, parts.sign, magnitude);
}

#endif
