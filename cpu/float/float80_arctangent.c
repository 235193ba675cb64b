// FPATAN. SDM volume 2A, Table 3-30. Errors are below 0.51 ulp when rounding to nearest, 1 ulp otherwise.
#include "cpu/float/float128.h"

static const struct f128 pi = {false, 1, WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)};
static const struct f128 half_pi = {false, 0, WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)};
static const struct f128 quarter_pi = {false, -1, WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)};
static const struct f128 three_quarters_pi = {false, 1, WIDE(0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d)};

// atan(k / 16).
static const struct f128 arctangents[] = {
    {false, 0, 0},                                             // 0/16
    {false, -5, WIDE(0xffaaddb967ef4e36, 0xcb2792dc0e2e0d51)}, // 1/16
    {false, -4, WIDE(0xfeadd4d5617b6e32, 0xc897989f3e888ef8)}, // 2/16
    {false, -3, WIDE(0xbdcbda5e72d81134, 0x7b0b4f881c9c7488)}, // 3/16
    {false, -3, WIDE(0xfadbafc96406eb15, 0x6dc79ef5f7a217e6)}, // 4/16
    {false, -2, WIDE(0x9b13b9b83f5e5e69, 0xc5abb498d27af328)}, // 5/16
    {false, -2, WIDE(0xb7b0ca0f26f78473, 0x8aa32122dcfe4483)}, // 6/16
    {false, -2, WIDE(0xd327761e611fe5b6, 0x427c95e9001e7136)}, // 7/16
    {false, -2, WIDE(0xed63382b0dda7b45, 0x6fe445ecbc3a8d03)}, // 8/16
    {false, -1, WIDE(0x832bf4a6d9867e2a, 0x4b6a09cb61a515c1)}, // 9/16
    {false, -1, WIDE(0x8f005d5ef7f59f9b, 0x5c835e1665c43748)}, // 10/16
    {false, -1, WIDE(0x9a2f80e671bdda20, 0x4226f8e2204ff3bd)}, // 11/16
    {false, -1, WIDE(0xa4bc7d1934f70924, 0x19a87f2a457dac9f)}, // 12/16
    {false, -1, WIDE(0xaeac4c38b4d8c080, 0x14725e2f3e52070a)}, // 13/16
    {false, -1, WIDE(0xb8053e2bc2319e73, 0xcb2da55210a4443d)}, // 14/16
    {false, -1, WIDE(0xc0ce85b8ac526640, 0x89dd62c46e92fa25)}, // 15/16
    {false, -1, WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)}, // 16/16
};

// atan(x) for a tiny x = low / high: hardly less than x. The quotient has been truncated, unless it was exact.
static struct f128 tiny_arctangent(struct f128 x, struct f128 low, struct f128 high) {
    bool exact = f128_mul(x, high).significand == low.significand;
    return f128_make(false, x.exponent, x.significand - exact);
}

// atan(x) for 0 < x <= 1: the angle of the nearest k/16, and that of what is left, (x - k/16) / (1 + x k/16).
static struct f128 arctangent(struct f128 low, struct f128 high) {
    struct f128 x = f128_div(low, high);
    if (x.exponent < -66) return tiny_arctangent(x, low, high);
    // Sixteenths, rounded: a fraction of 2^128 in units of 2^124. Only 1 itself is not a fraction.
    int64_t k = x.exponent == 0 ? 16 : (int64_t)(((f128_fraction(x) >> 123) + 1) >> 1);
    if (k) {
        struct f128 numerator = f128_add(f128_shift(low, 4), f128_mul(high, f128_from_i64(-k)));
        x = f128_div(numerator, f128_add(f128_shift(high, 4), f128_mul(low, f128_from_i64(k))));
    }
    uint128 fraction = f128_fraction(x), square = float128_multiply_high(fraction, fraction);
    return f128_add(arctangents[k], f128_mul(x, f128_make(false, 0, float128_arctan(square))));
}

// The angle of a point with a coordinate that is zero or infinite, in the right half-plane or the left.
static struct f128 special_angle(enum float80_class class_y, enum float80_class class_x, bool left) {
    if (class_y == F80_IS_INFINITE && class_x == F80_IS_INFINITE) return left ? three_quarters_pi : quarter_pi;
    if (class_y == F80_IS_ZERO || class_x == F80_IS_INFINITE) return left ? pi : (struct f128){0};
    return half_pi;
}

struct f80 f80_atan(struct f80 y, struct f80 x, struct float_env *env) {
    enum float80_class class_y = float80_class(y), class_x = float80_class(x);
    if (!float80_is_number(class_y) || !float80_is_number(class_x)) return float80_propagate_nan(y, x, env);
    float80_unpack(y, env), float80_unpack(x, env);
    bool left = float80_sign(x);
    struct f128 angle;
    if (class_y != F80_IS_FINITE || class_x != F80_IS_FINITE) {
        angle = special_angle(class_y, class_x, left);
    } else {
        struct f128 a = f128_from_f80(f80_absolute(y)), b = f128_from_f80(f80_absolute(x));
        bool steep = a.exponent != b.exponent ? a.exponent > b.exponent : a.significand > b.significand;
        angle = steep ? arctangent(b, a) : arctangent(a, b);
        if (steep)
            angle = f128_add(half_pi, left ? angle : f128_negate(angle));
        else if (left)
            angle = f128_add(pi, f128_negate(angle));
    }
    angle.sign = float80_sign(y);
    return f128_pack(angle, env);
}
