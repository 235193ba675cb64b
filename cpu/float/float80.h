// Double-extended precision inside the library: classes of encodings, an unpacked form, and rounding to 24, 53 or 64
// significand bits. SDM volume 1, sections 4.2.2, 8.1.5.2 and 8.2.2 (Table 8-3).
#ifndef CPU_FLOAT80_H
#define CPU_FLOAT80_H
#include "cpu/float/float.h"
#include "cpu/float/float_format.h"
#include "cpu/float/float_wide.h"

enum { F80_BIAS = 0x3fff, F80_EXPONENT_MAX = 0x7fff };
#define F80_INTEGER_BIT (1ull << 63)
#define F80_QUIET_BIT (1ull << 62)

enum float80_class {
    F80_IS_ZERO,
    F80_IS_FINITE, // normal, denormal and pseudo-denormal
    F80_IS_INFINITE,
    F80_IS_QUIET,
    F80_IS_SIGNALING,
    F80_IS_UNSUPPORTED, // an integer bit of 0 with a nonzero exponent: pseudo-NaN, pseudo-infinity, unnormal
};

ALWAYS_INLINE bool float80_sign(struct f80 a) { return a.sign_exponent >> 15; }
ALWAYS_INLINE int float80_exponent(struct f80 a) { return a.sign_exponent & F80_EXPONENT_MAX; }
ALWAYS_INLINE struct f80 float80_make(bool sign, int exponent, uint64_t significand) {
    return (struct f80){significand, (uint16_t)(sign << 15 | exponent)};
}
ALWAYS_INLINE struct f80 float80_zero(bool sign) { return float80_make(sign, 0, 0); }
ALWAYS_INLINE struct f80 float80_infinity(bool sign) { return float80_make(sign, F80_EXPONENT_MAX, F80_INTEGER_BIT); }

// cpu/float/float80_pack.c

enum float80_class float80_class(struct f80 a);

// The parts of a zero or finite value, normalized; the exponent has the bias F80_BIAS. float80_unpack sets DE for
// denormals and pseudo-denormals.
struct float_parts float80_parts(struct f80 a);
struct float_parts float80_unpack(struct f80 a, struct float_env *env);

// Rounds a nonzero value to `precision` bits: magnitude = significand / 2^127 * 2^(exponent - F80_BIAS). Bit 127 is
// set, bit 0 is sticky. The result is of no use if an unmasked exception has been found before.
struct f80 float80_pack(bool sign, int exponent, uint128 significand, unsigned precision, struct float_env *env);

// A value that an instruction returns as it came: only a pseudo-denormal changes, to the normal encoding of its value.
ALWAYS_INLINE struct f80 float80_unchanged(struct f80 a) {
    if (float80_exponent(a) == 0 && a.significand & F80_INTEGER_BIT) a.sign_exponent |= 1;
    return a;
}

// The masked response to an invalid operation.
struct f80 float80_invalid(struct float_env *env);

// The response to operands of which one is a NaN or of an unsupported format; give the same one twice for instructions
// with one operand.
ALWAYS_INLINE bool float80_is_number(enum float80_class class) { return class <= F80_IS_INFINITE; }
struct f80 float80_propagate_nan(struct f80 a, struct f80 b, struct float_env *env);

// cpu/float/float80_arithmetic.c: the quotient of two significands times 2^127, or 2^128 if that leaves bit 127 clear;
// below the first 64 bits only what rounding to 64 bits needs.
uint128 float80_quotient(uint64_t a, uint64_t b);

// Shifts right by any distance; bits shifted out leave a sticky bit 0.
ALWAYS_INLINE uint128 float80_shift_sticky(uint128 significand, int distance) {
    if (distance == 0) return significand;
    if (distance > 127) return significand != 0;
    return significand >> distance | (significand << (128 - distance) != 0);
}

#endif
