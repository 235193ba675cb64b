// Integer square roots by halving the problem: with n = a * 4^k + b * 2^k + c, the root s of a and the remainder r, the
// next k digits of the root are (r * 2^k + b) / 2s, which is at most one too large (P. Zimmermann, "Karatsuba Square
// Root", INRIA report 3805, 1999).
#include "cpu/float/float_wide.h"

// The roots of n * 256 for n from 64 to 255.
static const uint8_t roots[192] = {
    128, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 144, 145, 146, 147,
    148, 149, 150, 150, 151, 152, 153, 154, 155, 155, 156, 157, 158, 159, 160, 160, 161, 162, 163, 163, 164, 165,
    166, 167, 167, 168, 169, 170, 170, 171, 172, 173, 173, 174, 175, 176, 176, 177, 178, 178, 179, 180, 181, 181,
    182, 183, 183, 184, 185, 185, 186, 187, 187, 188, 189, 189, 190, 191, 192, 192, 193, 193, 194, 195, 195, 196,
    197, 197, 198, 199, 199, 200, 201, 201, 202, 203, 203, 204, 204, 205, 206, 206, 207, 208, 208, 209, 209, 210,
    211, 211, 212, 212, 213, 214, 214, 215, 215, 216, 217, 217, 218, 218, 219, 219, 220, 221, 221, 222, 222, 223,
    224, 224, 225, 225, 226, 226, 227, 227, 228, 229, 229, 230, 230, 231, 231, 232, 232, 233, 234, 234, 235, 235,
    236, 236, 237, 237, 238, 238, 239, 240, 240, 241, 241, 242, 242, 243, 243, 244, 244, 245, 245, 246, 246, 247,
    247, 248, 248, 249, 249, 250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255,
};

static uint32_t sqrt_16(uint32_t n, uint32_t *remainder) {
    uint32_t root = roots[(n >> 8) - 64];
    root += n >= (root + 1) * (root + 1);
    *remainder = n - root * root;
    return root;
}

static uint32_t sqrt_32(uint32_t n, uint32_t *remainder) {
    uint32_t r, s = sqrt_16(n >> 16, &r);
    uint32_t dividend = r << 8 | (n >> 8 & 0xff);
    uint32_t quotient = dividend / (2 * s), rest = dividend - quotient * (2 * s);
    uint32_t root = (s << 8) + quotient;
    int32_t left = (int32_t)(rest << 8 | (n & 0xff)) - (int32_t)(quotient * quotient);
    if (left < 0) {
        root--;
        left += (int32_t)(2 * root + 1);
    }
    *remainder = (uint32_t)left;
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
