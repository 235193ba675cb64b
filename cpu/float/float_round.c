// Rounding of single and double precision to an integral value in the same format. SDM volume 2, ROUNDPS, ROUNDPD.
#include "cpu/float/float_format.h"

// imm8 (SDM volume 2B, ROUNDPD, Figure 4-24).
enum { ROUND_CONTROL = 3, ROUND_BY_MXCSR = 4, ROUND_SUPPRESS_PRECISION = 8 };

// A magnitude below 1 becomes 0 or 1; its sign stays.
static uint64_t round_fraction(struct float_format f, uint64_t a, unsigned rounding) {
    const int bias = f.exponent_max / 2;
    const uint64_t one = (uint64_t)bias << f.fraction_bits, half = (uint64_t)(bias - 1) << f.fraction_bits;
    // Encodings order as values do, so they serve as the dropped part and its half.
    bool up = float_rounds_up(float_magnitude(f, a), half, false, float_sign(f, a), rounding);
    return float_signed(f, float_sign(f, a), up ? one : 0);
}

ALWAYS_INLINE uint64_t round_integral(struct float_format f, uint64_t a, uint8_t imm8, struct float_env *env) {
    const int bias = f.exponent_max / 2;
    unsigned rounding = imm8 & ROUND_BY_MXCSR ? env->rounding : imm8 & ROUND_CONTROL;
    if (float_is_nan(f, a)) return float_propagate_nan(f, a, a, env);
    a = float_zero_by_denormals(f, a, env);
    int exponent = float_exponent(f, a) - bias;
    if (exponent >= f.fraction_bits || !float_magnitude(f, a)) return a;
    uint64_t result;
    if (exponent < 0) {
        result = round_fraction(f, a, rounding);
    } else {
        uint64_t unit = 1ull << (f.fraction_bits - exponent), dropped = a & (unit - 1);
        // For exponent 0 the unit is the lowest bit of the exponent field, which is 1 like the integer bit.
        bool up = float_rounds_up(dropped, unit / 2, a & unit, float_sign(f, a), rounding);
        result = (a & ~(unit - 1)) + (up ? unit : 0);
    }
    if (result != a && !(imm8 & ROUND_SUPPRESS_PRECISION)) env->flags |= FLOAT_PE;
    return result;
}

f32 f32_round(f32 a, uint8_t imm8, struct float_env *env) { return (f32)round_integral(FLOAT_SINGLE, a, imm8, env); }
f64 f64_round(f64 a, uint8_t imm8, struct float_env *env) { return round_integral(FLOAT_DOUBLE, a, imm8, env); }
