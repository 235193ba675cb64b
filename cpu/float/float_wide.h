// Integer division and square root of 128 bits, for the arithmetic of significands.
#ifndef CPU_FLOAT_WIDE_H
#define CPU_FLOAT_WIDE_H
#include "cpu/state/outcome.h"
#include <stdint.h>

typedef unsigned __int128 uint128;

// (high:low) / divisor; high < divisor, so that the quotient fits.
ALWAYS_INLINE uint64_t float_divide(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *remainder) {
    uint64_t quotient = (uint64_t)(((uint128)high << 64 | low) / divisor);
    *remainder = low - quotient * divisor;
    return quotient;
}

// cpu/float/float_wide.c: the integer part of the square root and n - root^2. One of the two highest bits of n is set.
uint64_t float_sqrt_64(uint64_t n, uint64_t *remainder);
uint64_t float_sqrt_128(uint128 n, uint128 *remainder);

#endif
