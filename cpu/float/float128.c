// Arithmetic of the transcendental functions' working precision.
#include "cpu/float/float128.h"

static int leading_zeros(uint128 a) {
    uint64_t high = (uint64_t)(a >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)a);
}

struct f128 f128_make(bool sign, int exponent, uint128 significand) {
    if (!significand) return (struct f128){sign, F128_ZERO_EXPONENT, 0};
    int zeros = leading_zeros(significand);
    return (struct f128){sign, exponent - zeros, significand << zeros};
}

struct f128 f128_from_f80(struct f80 a) {
    struct float_parts parts = float80_parts(a);
    return (struct f128){parts.sign, parts.exponent - F80_BIAS, (uint128)parts.significand << 64};
}

struct f128 f128_from_i64(int64_t a) {
    return f128_make(a < 0, 127, a < 0 ? 0 - (uint64_t)a : (uint64_t)a);
}

struct f128 f128_add(struct f128 a, struct f128 b) {
    if (!a.significand) return b;
    if (!b.significand) return a;
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) {
        struct f128 larger = b;
        b = a;
        a = larger;
    }
    int distance = a.exponent - b.exponent;
    uint128 low = distance > 127 ? 0 : b.significand >> distance;
    if (a.sign != b.sign) return f128_make(a.sign, a.exponent, a.significand - low);
    uint128 sum = a.significand + low;
    if (sum >= a.significand) return (struct f128){a.sign, a.exponent, sum};
    return (struct f128){a.sign, a.exponent + 1, sum >> 1 | (uint128)1 << 127};
}

struct f128 f128_mul(struct f128 a, struct f128 b) {
    uint128 product = float128_multiply_high(a.significand, b.significand);
    return f128_make(a.sign != b.sign, a.exponent + b.exponent + 1, product);
}

// The next 64 bits of the quotient n / d, for n < d with bit 127 of d set; what is left of n for those after them.
static uint64_t quotient_digit(uint128 *n, uint128 d) {
    uint64_t d1 = (uint64_t)(d >> 64), d0 = (uint64_t)d;
    uint64_t digit = (uint64_t)(*n >> 64) >= d1 ? UINT64_MAX : (uint64_t)(*n / d1);
    uint128 rest = *n - (uint128)digit * d1;
    // The digit comes from the high half of d alone: it is at most two too large.
    while (!(rest >> 64) && rest << 64 < (uint128)digit * d0) {
        digit--;
        rest += d1;
    }
    *n = (rest << 64) - (uint128)digit * d0;
    return digit;
}

struct f128 f128_div(struct f128 a, struct f128 b) {
    bool less = a.significand < b.significand;
    uint128 n = less ? a.significand : a.significand - b.significand;
    uint128 quotient = (uint128)quotient_digit(&n, b.significand) << 64;
    quotient |= quotient_digit(&n, b.significand);
    // The quotient is a fraction, to which the first step has added 1 unless `less`.
    if (!less) quotient = quotient >> 1 | (uint128)1 << 127;
    return f128_make(a.sign != b.sign, a.exponent - b.exponent - less, quotient);
}

uint128 f128_fraction(struct f128 a) {
    int distance = -1 - a.exponent;
    return distance > 127 ? 0 : a.significand >> distance;
}

struct f80 f128_pack(struct f128 a, struct float_env *env) {
    if (!a.significand) return float80_zero(a.sign);
    return float80_pack(a.sign, a.exponent + F80_BIAS, a.significand | 1, 64, env);
}

struct f80 f128_pack_exact(struct f128 a, struct float_env *env) {
    struct f80 result = float80_pack(a.sign, a.exponent + F80_BIAS, a.significand, 64, env);
    if (float_env_blocked(env)) return result;
    env->flags |= float80_exponent(result) ? FLOAT_PE : FLOAT_PE | FLOAT_UE;
    return result;
}
