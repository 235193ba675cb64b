// Power series in 128-bit fixed point, by Horner's rule: each step multiplies, and adds or subtracts a coefficient.
#include "cpu/float/float128.h"

// 1/n! in Q127.
static const uint128 inverse_factorial[] = {
    WIDE(0x8000000000000000, 0x0000000000000000), // 1/0!
    WIDE(0x8000000000000000, 0x0000000000000000), // 1/1!
    WIDE(0x4000000000000000, 0x0000000000000000), // 1/2!
    WIDE(0x1555555555555555, 0x5555555555555555), // 1/3!
    WIDE(0x0555555555555555, 0x5555555555555555), // 1/4!
    WIDE(0x0111111111111111, 0x1111111111111111), // 1/5!
    WIDE(0x002d82d82d82d82d, 0x82d82d82d82d82d8), // 1/6!
    WIDE(0x0006806806806806, 0x8068068068068068), // 1/7!
    WIDE(0x0000d00d00d00d00, 0xd00d00d00d00d00d), // 1/8!
    WIDE(0x0000171de3a556c7, 0x338faac1c88e5001), // 1/9!
    WIDE(0x0000024fc9f6ef13, 0xeb8e5de02da7d4cd), // 1/10!
    WIDE(0x00000035cc8acfea, 0x89c71fce8fc97070), // 1/11!
    WIDE(0x000000047bb63bfe, 0x3625ed5136a61eb4), // 1/12!
    WIDE(0x000000005849184e, 0xa1b425f28e0cc749), // 1/13!
    WIDE(0x00000000064e5d2a, 0x301f27482eb7c517), // 1/14!
    WIDE(0x00000000006b9fcf, 0x9ccee07c476195ac), // 1/15!
    WIDE(0x000000000006b9fc, 0xf9ccee07c476195b), // 1/16!
    WIDE(0x000000000000654b, 0x1dc0c2b529ac9814), // 1/17!
    WIDE(0x00000000000005a0, 0x9e18ee5f65deec01), // 1/18!
    WIDE(0x000000000000004b, 0xd26d1a05055c9328), // 1/19!
    WIDE(0x0000000000000003, 0xca8574804044a0f5), // 1/20!
    WIDE(0x0000000000000000, 0x2e371dedb9eae318), // 1/21!
    WIDE(0x0000000000000000, 0x0219c72db6ff0a53), // 1/22!
    WIDE(0x0000000000000000, 0x001761b41316381a), // 1/23!
    WIDE(0x0000000000000000, 0x0000f96780cb97ac), // 1/24!
    WIDE(0x0000000000000000, 0x000009f9e66e8b30), // 1/25!
    WIDE(0x0000000000000000, 0x000000623a17f1a9), // 1/26!
    WIDE(0x0000000000000000, 0x00000003a356385c), // 1/27!
    WIDE(0x0000000000000000, 0x000000002143144c), // 1/28!
    WIDE(0x0000000000000000, 0x0000000001259f99), // 1/29!
    WIDE(0x0000000000000000, 0x000000000009c996), // 1/30!
    WIDE(0x0000000000000000, 0x00000000000050d3), // 1/31!
    WIDE(0x0000000000000000, 0x0000000000000287), // 1/32!
    WIDE(0x0000000000000000, 0x0000000000000014), // 1/33!
};

// 1/(2n + 1) in Q127.
static const uint128 inverse_odd[] = {
    WIDE(0x8000000000000000, 0x0000000000000000), // 1/1
    WIDE(0x2aaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab), // 1/3
    WIDE(0x1999999999999999, 0x999999999999999a), // 1/5
    WIDE(0x1249249249249249, 0x2492492492492492), // 1/7
    WIDE(0x0e38e38e38e38e38, 0xe38e38e38e38e38e), // 1/9
    WIDE(0x0ba2e8ba2e8ba2e8, 0xba2e8ba2e8ba2e8c), // 1/11
    WIDE(0x09d89d89d89d89d8, 0x9d89d89d89d89d8a), // 1/13
    WIDE(0x0888888888888888, 0x8888888888888889), // 1/15
    WIDE(0x0787878787878787, 0x8787878787878788), // 1/17
    WIDE(0x06bca1af286bca1a, 0xf286bca1af286bca), // 1/19
    WIDE(0x0618618618618618, 0x6186186186186186), // 1/21
    WIDE(0x0590b21642c8590b, 0x21642c8590b21643), // 1/23
    WIDE(0x051eb851eb851eb8, 0x51eb851eb851eb85), // 1/25
};

// c[0] +- c[stride] x + c[2 stride] x^2 +- ..., `terms` of them.
ALWAYS_INLINE uint128 series(const uint128 *c, int stride, int terms, bool alternate, uint128 x) {
    uint128 sum = c[(terms - 1) * stride];
    for (int i = terms - 2; i >= 0; i--) {
        uint128 rest = float128_multiply_high(sum, x);
        sum = c[i * stride] + (alternate ? 0 - rest : rest);
    }
    return sum;
}

// The alternating series are below 1 but for x = 0, which an x2 of 0 need not mean: the unit makes the result of a tiny
// argument smaller than the argument, as it has to be when rounding down or toward zero.
uint128 float128_sine(uint128 x2) { return series(inverse_factorial + 1, 2, 17, true, x2) - 1; }
uint128 float128_cosine(uint128 x2) { return series(inverse_factorial, 2, 17, true, x2) - 1; }
uint128 float128_arctan(uint128 x2) { return series(inverse_odd, 1, 13, true, x2) - 1; }
uint128 float128_artanh(uint128 x2) { return series(inverse_odd, 1, 13, false, x2); }
uint128 float128_exp(bool negative, uint128 x) { return series(inverse_factorial + 1, 1, 17, negative, x); }
