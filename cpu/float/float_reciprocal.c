// RCPSS and RSQRTSS. SDM volume 2B: approximations with a relative error of at most 1.5 * 2^-12, which leave the bits
// to the implementation. Here they are those of Intel processors: the range of significands (of one binade, or of two
// for the square root) is cut into 2048 intervals, and the result is that of the interval's midpoint, rounded to 12
// bits.
#include "cpu/float/float_format.h"

enum { BIAS = 127 };

// Tiny results are flushed to zero, whatever MXCSR says. `bits` is a significand of 13 bits, with the integer bit.
static f32 pack(bool sign, int exponent, uint32_t bits) {
    if (exponent < 1) return (f32)float_signed(FLOAT_SINGLE, sign, 0);
    return (f32)float_signed(FLOAT_SINGLE, sign, (uint32_t)exponent << 23 | (bits & 0xfff) << 11);
}

f32 f32_reciprocal(f32 a) {
    bool sign = float_sign(FLOAT_SINGLE, a);
    int exponent = float_exponent(FLOAT_SINGLE, a);
    if (float_is_nan(FLOAT_SINGLE, a)) return a | (f32)float_quiet_bit(FLOAT_SINGLE);
    if (exponent == 0) return (f32)float_signed(FLOAT_SINGLE, sign, float_infinity(FLOAT_SINGLE)); // zero, denormal
    if (float_is_infinity(FLOAT_SINGLE, a)) return (f32)float_signed(FLOAT_SINGLE, sign, 0);
    // The midpoint in units of 2^-12; the result, in (1/2, 1), in units of 2^-13.
    uint32_t midpoint = 1u << 12 | (a >> 12 & 0x7ff) << 1 | 1;
    uint32_t rounded = ((1u << 26) / midpoint + 1) >> 1;
    return pack(sign, 2 * BIAS - 1 - exponent, rounded);
}

f32 f32_reciprocal_sqrt(f32 a) {
    bool sign = float_sign(FLOAT_SINGLE, a);
    int exponent = float_exponent(FLOAT_SINGLE, a) - BIAS;
    if (float_is_nan(FLOAT_SINGLE, a)) return a | (f32)float_quiet_bit(FLOAT_SINGLE);
    if (exponent == -BIAS) return (f32)float_signed(FLOAT_SINGLE, sign, float_infinity(FLOAT_SINGLE));
    if (sign) return F32_INDEFINITE;
    if (float_is_infinity(FLOAT_SINGLE, a)) return 0;
    // The midpoint in units of 2^-11, of which an odd exponent takes twice as many.
    uint64_t midpoint = 1u << 11 | (a >> 13 & 0x3ff) << 1 | 1;
    // The result in units of 2^-14, squared, and times 2^36 to fill the operand of the square root.
    uint64_t remainder, square = (1ull << 39) / (midpoint << (exponent & 1));
    uint64_t rounded = ((float_sqrt_64(square << 36, &remainder) >> 18) + 1) >> 1;
    return pack(false, BIAS - 1 - (exponent - (exponent & 1)) / 2, (uint32_t)rounded);
}
