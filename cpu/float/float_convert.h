// Integers and the unpacked form, for every precision.
#ifndef CPU_FLOAT_CONVERT_H
#define CPU_FLOAT_CONVERT_H
#include "cpu/float/float_format.h"

// |value| rounded to an integer; the value has an unbiased exponent, below 63.
struct float_integral {
    uint64_t magnitude;
    bool inexact, up;
};
struct float_integral float_integral(struct float_parts value, unsigned rounding);

// A finite value, with an unbiased exponent, to a signed integer of `width` bits: the integer indefinite and IE if it
// does not fit; PE and C1 otherwise as for every rounding.
int64_t float_to_integer(struct float_parts value, int width, unsigned rounding, struct float_env *env);

// An integer, with an unbiased exponent; 0 has the significand 0.
struct float_parts float_from_integer(int64_t a);

#endif
