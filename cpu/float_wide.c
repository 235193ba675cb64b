// Integer square roots by halving the problem: with n = a * 4^k + b * 2^k + c, the root s of a and the remainder r, the
// next k digits of the root are (r * 2^k + b) / 2s, which is at most one too large (P. Zimmermann, "Karatsuba Square
// Root", INRIA report 3805, 1999).
#include "cpu/float_wide.h"

// Bit by bit: 16 steps.
static uint32_t sqrt_32(uint32_t n, uint32_t *remainder) {
    uint32_t root = 0;
    for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
        if (n >= root + bit) {
            n -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    *remainder = n;
    return root;
}

uint64_t float_sqrt_64(uint64_t n, uint64_t *remainder) {
    uint32_t r;
    uint64_t s = sqrt_32((uint32_t)(n >> 32), &r);
    uint64_t dividend = (uint64_t)r << 16 | (n >> 16 & 0xffff);
    uint64_t quotient = dividend / (2 * s), rest = dividend - quotient * (2 * s);
    uint64_t root = (s << 16) + quotient;
    int64_t left = (int64_t)(rest << 16 | (n & 0xffff)) - (int64_t)(quotient * quotient);
    if (left < 0) {
        root--;
        left += (int64_t)(2 * root + 1);
    }
    *remainder = (uint64_t)left;
    return root;
}

uint64_t float_sqrt_128(uint128 n, uint128 *remainder) {
    uint64_t r, low = (uint64_t)n;
    uint64_t s = float_sqrt_64((uint64_t)(n >> 64), &r);
    uint128 dividend = (uint128)r << 32 | low >> 32;
    uint64_t quotient = (uint64_t)(dividend / (2 * s)), rest = (uint64_t)dividend - quotient * (2 * s);
    uint128 root = ((uint128)s << 32) + quotient;
    __int128 left = (__int128)((uint128)rest << 32 | (low & 0xffffffff)) - (__int128)((uint128)quotient * quotient);
    if (left < 0) {
        root--;
        left += (__int128)(2 * root + 1);
    }
    *remainder = (uint128)left;
    return (uint64_t)root;
}
