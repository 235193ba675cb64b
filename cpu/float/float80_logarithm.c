// F2XM1, FYL2X and FYL2XP1. SDM volume 2A. Errors are below 0.51 ulp when rounding to nearest, 1 ulp otherwise. Where
// the manual calls results undefined, F2XM1 of |x| > 1 returns x, FYL2XP1 of x > 0.29 the logarithm, and of x <= -1
// returns x (or a zero or infinity by y, as if the logarithm were a negative number), as processors do.
#include "cpu/float/float128.h"

static const struct f128 ln_2 = {false, -1, WIDE(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af)};
static const struct f128 two_over_ln_2 = {false, 1, WIDE(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89)};
static const struct f128 one = {false, 0, (uint128)1 << 127};

// 2^(k / 16).
static const struct f128 powers[] = {
    {false, 0, WIDE(0x8000000000000000, 0x0000000000000000)}, // 0/16
    {false, 0, WIDE(0x85aac367cc487b14, 0xc5c95b8c2154c1b2)}, // 1/16
    {false, 0, WIDE(0x8b95c1e3ea8bd6e6, 0xfbe4628758a53c90)}, // 2/16
    {false, 0, WIDE(0x91c3d373ab11c336, 0x0fd6d8e0ae5ac9d8)}, // 3/16
    {false, 0, WIDE(0x9837f0518db8a96f, 0x46ad23182e42f6f6)}, // 4/16
    {false, 0, WIDE(0x9ef5326091a111ad, 0xa0911f09ebb9fdd1)}, // 5/16
    {false, 0, WIDE(0xa5fed6a9b15138ea, 0x1cbd7f621710701b)}, // 6/16
    {false, 0, WIDE(0xad583eea42a14ac6, 0x4980a8c8f59a2ec4)}, // 7/16
    {false, 0, WIDE(0xb504f333f9de6484, 0x597d89b3754abe9f)}, // 8/16
    {false, 0, WIDE(0xbd08a39f580c36be, 0xa8811fb66d0faf7a)}, // 9/16
    {false, 0, WIDE(0xc5672a115506dadd, 0x3e2ad0c964dd9f37)}, // 10/16
    {false, 0, WIDE(0xce248c151f8480e3, 0xe235838f95f2c6ed)}, // 11/16
    {false, 0, WIDE(0xd744fccad69d6af4, 0x39a68bb9902d3fde)}, // 12/16
    {false, 0, WIDE(0xe0ccdeec2a94e111, 0x065895048dd333ca)}, // 13/16
    {false, 0, WIDE(0xeac0c6e7dd24392e, 0xd02d75b3706e54fb)}, // 14/16
    {false, 0, WIDE(0xf5257d152486cc2c, 0x7b9d0c7aed980fc3)}, // 15/16
};

// log2(k / 16), from k = 11.
enum { FIRST_LOGARITHM = 11 };
static const struct f128 logarithms[] = {
    {true, -1, WIDE(0x8a62b07f3457c407, 0x050799beaaab2941)},  // 11/16
    {true, -2, WIDE(0xd47fcb8c0852f0c0, 0xbfe9dbebf2e8a45e)},  // 12/16
    {true, -2, WIDE(0x995ff71b8773432d, 0x124bc6f1acf95dc4)},  // 13/16
    {true, -3, WIDE(0xc544c055fde99333, 0x54dbf16fb0695ee3)},  // 14/16
    {true, -4, WIDE(0xbeb024b67dda6339, 0xda288fc615a727dc)},  // 15/16
    {false, 0, 0},                                             // 16/16
    {false, -4, WIDE(0xb31fb7d64898b3e6, 0x629c130a22bad61e)}, // 17/16
    {false, -3, WIDE(0xae00d1cfdeb43cfd, 0x00589050345d6e89)}, // 18/16
    {false, -3, WIDE(0xfde0b5c81340511d, 0x46ccc53c2779af92)}, // 19/16
    {false, -2, WIDE(0xa4d3c25e68dc57f2, 0x495fb7fa6d7eda67)}, // 20/16
    {false, -2, WIDE(0xc8ddd448f8b845a5, 0x95a82b5c34e2ac31)}, // 21/16
    {false, -2, WIDE(0xeb3a9f01975077f1, 0xf5f0cc82aaa9ad7e)}, // 22/16
    {false, -1, WIDE(0x86082806b1d532c4, 0x12ba94db12ef0aa8)}, // 23/16
};

// 2^x - 1 for |x| < 1: with k/16 near x and r = x - k/16, 2^(k/16) * (2^r - 1) + (2^(k/16) - 1).
static struct f128 power_minus_one(struct f128 x) {
    int k = (int)(((f128_fraction(x) >> 123) + 1) >> 1);
    if (x.sign) k = -k;
    struct f128 r = f128_mul(f128_add(x, f128_shift(f128_from_i64(-k), -4)), ln_2);
    struct f128 p = f128_mul(r, f128_make(false, 0, float128_exp(r.sign, f128_fraction(r))));
    if (k == 0) return p;
    struct f128 power = f128_shift(powers[k & 15], k >> 4);
    return f128_add(f128_mul(power, p), f128_add(power, f128_negate(one)));
}

struct f80 f80_2xm1(struct f80 a, struct float_env *env) {
    enum float80_class class = float80_class(a);
    if (!float80_is_number(class)) return float80_propagate_nan(a, a, env);
    if (class == F80_IS_ZERO) return a;
    if (class == F80_IS_INFINITE) return float80_sign(a) ? f80_negate(F80_ONE) : a;
    float80_unpack(a, env);
    struct f128 x = f128_from_f80(a);
    if (x.exponent < 0) return f128_pack(power_minus_one(x), env);
    bool minus_one = x.sign && x.exponent == 0 && x.significand == one.significand;
    return f128_pack_exact(minus_one ? f128_shift(x, -1) : x, env);
}

// log2((c + d) / c) = 2/ln 2 * artanh(d / (2c + d)).
static struct f128 logarithm_near(struct f128 c, struct f128 d) {
    struct f128 s = f128_div(d, f128_add(f128_shift(c, 1), d));
    uint128 fraction = f128_fraction(s), square = float128_multiply_high(fraction, fraction);
    return f128_mul(f128_mul(s, two_over_ln_2), f128_make(false, 0, float128_artanh(square)));
}

// log2(x) of a positive x = 2^e * m with 11/16 < m < 23/16: e + log2(k/16) + log2(m / (k/16)).
static struct f128 logarithm(struct f128 x) {
    int e = x.exponent;
    if (x.significand >> 120 >= 0xb5) e++; // above the root of 2, about
    struct f128 m = f128_shift(x, -e);
    int64_t k = (int64_t)(((m.significand >> (122 - m.exponent)) + 1) >> 1);
    struct f128 c = f128_shift(f128_from_i64(k), -4);
    struct f128 near = logarithm_near(c, f128_add(m, f128_negate(c)));
    return f128_add(f128_from_i64(e), f128_add(logarithms[k - FIRST_LOGARITHM], near));
}

// y * log2(x). The logarithm of a power of two is an integer, and the product exact.
static struct f80 scale_logarithm(struct f128 x, struct f128 y, struct float_env *env) {
    struct f128 product = f128_mul(y, logarithm(x));
    return x.significand == one.significand ? f128_pack_exact(product, env) : f128_pack(product, env);
}

// y * log2(x) of a y that is zero or infinite; the logarithm is finite and not zero.
static struct f80 scale_special(struct f80 y, bool log_sign) {
    bool sign = float80_sign(y) != log_sign;
    return float80_class(y) == F80_IS_INFINITE ? float80_infinity(sign) : float80_zero(sign);
}

// y * log2(0): Table 3-48.
static struct f80 logarithm_of_zero(struct f80 y, struct float_env *env) {
    enum float80_class class = float80_class(y);
    if (class == F80_IS_ZERO) return float80_invalid(env);
    if (class == F80_IS_FINITE) env->flags = FLOAT_ZE;
    return float80_infinity(!float80_sign(y));
}

struct f80 f80_ylog2x(struct f80 x, struct f80 y, struct float_env *env) {
    enum float80_class class_x = float80_class(x), class_y = float80_class(y);
    if (!float80_is_number(class_x) || !float80_is_number(class_y)) return float80_propagate_nan(x, y, env);
    if (class_x == F80_IS_ZERO) return logarithm_of_zero(y, env);
    if (float80_sign(x)) return float80_invalid(env);
    bool is_one = x.significand == F80_INTEGER_BIT && float80_exponent(x) == F80_BIAS;
    if (class_x == F80_IS_INFINITE ? class_y == F80_IS_ZERO : is_one && class_y == F80_IS_INFINITE)
        return float80_invalid(env);
    float80_unpack(x, env), float80_unpack(y, env);
    if (class_x == F80_IS_INFINITE) return float80_infinity(float80_sign(y));
    if (is_one) return float80_zero(float80_sign(y));
    if (class_y != F80_IS_FINITE) return scale_special(y, float80_exponent(x) < F80_BIAS);
    return scale_logarithm(f128_from_f80(x), f128_from_f80(y), env);
}

struct f80 f80_ylog2xp1(struct f80 x, struct f80 y, struct float_env *env) {
    enum float80_class class_x = float80_class(x), class_y = float80_class(y);
    if (!float80_is_number(class_x) || !float80_is_number(class_y)) return float80_propagate_nan(x, y, env);
    if (class_x == F80_IS_ZERO && class_y == F80_IS_INFINITE) return float80_invalid(env);
    if (class_x == F80_IS_INFINITE && (float80_sign(x) || class_y == F80_IS_ZERO)) return float80_invalid(env);
    float80_unpack(x, env), float80_unpack(y, env);
    if (class_x == F80_IS_INFINITE) return float80_infinity(float80_sign(y));
    if (class_x == F80_IS_ZERO || class_y != F80_IS_FINITE)
        return class_x == F80_IS_ZERO ? float80_zero(float80_sign(x) != float80_sign(y))
                                      : scale_special(y, float80_sign(x));
    struct f128 wide = f128_from_f80(x);
    if (wide.sign && wide.exponent >= 0) return f128_pack_exact(wide, env);
    struct f128 y_wide = f128_from_f80(y), argument = f128_add(one, wide);
    if (wide.exponent < -5) return f128_pack(f128_mul(y_wide, logarithm_near(one, wide)), env);
    return scale_logarithm(argument, y_wide, env);
}
