// The working precision of the transcendental functions: 128 significand bits, twice what a result keeps. Operations
// truncate; one of them is wrong by at most 2^-126 of its result. Fixed-point fractions, for power series, come in two
// scales: Q128 is a fraction below 1 times 2^128, Q127 a number below 2 times 2^127.
#ifndef CPU_FLOAT128_H
#define CPU_FLOAT128_H
#include "cpu/float/float80.h"

#define WIDE(high, low) ((uint128)(high) << 64 | (low))

// magnitude = significand / 2^127 * 2^exponent. Bit 127 is set, or the significand is 0 and the exponent is low.
enum { F128_ZERO_EXPONENT = -100000 };
struct f128 {
    bool sign;
    int exponent;
    uint128 significand;
};

ALWAYS_INLINE struct f128 f128_negate(struct f128 a) {
    a.sign = !a.sign;
    return a;
}

// a * 2^distance.
ALWAYS_INLINE struct f128 f128_shift(struct f128 a, int distance) {
    a.exponent += distance;
    return a;
}

// The high half of a product.
ALWAYS_INLINE uint128 float128_multiply_high(uint128 a, uint128 b) {
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a, b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    uint128 low = (uint128)a0 * b0, cross = (uint128)a1 * b0 + (uint64_t)(low >> 64);
    uint128 middle = (uint128)a0 * b1 + (uint64_t)cross;
    return (uint128)a1 * b1 + (uint64_t)(cross >> 64) + (uint64_t)(middle >> 64);
}

// cpu/float/float128.c

struct f128 f128_make(bool sign, int exponent, uint128 significand); // normalizes
struct f128 f128_from_f80(struct f80 a);                             // a zero or finite value
struct f128 f128_from_i64(int64_t a);
struct f128 f128_add(struct f128 a, struct f128 b);
struct f128 f128_mul(struct f128 a, struct f128 b);
struct f128 f128_div(struct f128 a, struct f128 b); // b is not 0

// |a| < 1, as a Q128 fraction.
uint128 f128_fraction(struct f128 a);

// Rounds to double-extended precision a value that is known to be irrational: never exact, whatever the bits of the
// approximation are.
struct f80 f128_pack(struct f128 a, struct float_env *env);

// The same for a value that is exact: transcendental instructions report it as inexact all the same, and a denormal as
// an underflow. So do processors ("by nature produce inexact results", section 8.5.6).
struct f80 f128_pack_exact(struct f128 a, struct float_env *env);

// cpu/float/float128_series.c: power series for |x| < 0.79 (sine, cosine), 1/32 (arcus tangens), 0.03 (the others); x2
// is the Q128 square of x. Results are Q127, errors below 2^-122.

uint128 float128_sine(uint128 x2);              // sin(x) / x
uint128 float128_cosine(uint128 x2);            // cos(x)
uint128 float128_arctan(uint128 x2);            // atan(x) / x
uint128 float128_artanh(uint128 x2);            // artanh(x) / x
uint128 float128_exp(bool negative, uint128 x); // (e^x - 1) / x, of a Q128 |x|

#endif
