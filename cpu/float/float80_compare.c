// FCOM, FUCOM (and FCOMI, FUCOMI) and FXAM. SDM volume 2A.
#include "cpu/float/float80.h"

static enum float_relation order(struct float_parts a, struct float_parts b) {
    if (!a.significand && !b.significand) return FLOAT_EQUAL;
    if (!a.significand) return b.sign ? FLOAT_GREATER : FLOAT_LESS;
    if (!b.significand) return a.sign ? FLOAT_LESS : FLOAT_GREATER;
    if (a.sign != b.sign) return a.sign ? FLOAT_LESS : FLOAT_GREATER;
    if (a.exponent == b.exponent && a.significand == b.significand) return FLOAT_EQUAL;
    bool smaller = a.exponent != b.exponent ? a.exponent < b.exponent : a.significand < b.significand;
    return smaller != a.sign ? FLOAT_LESS : FLOAT_GREATER;
}

// `signaling`: a QNaN raises IE as well.
static enum float_relation compare(struct f80 a, struct f80 b, bool signaling, struct float_env *env) {
    enum float80_class class_a = float80_class(a), class_b = float80_class(b);
    if (!float80_is_number(class_a) || !float80_is_number(class_b)) {
        float80_propagate_nan(a, b, env);
        if (signaling) env->flags = FLOAT_IE;
        return FLOAT_UNORDERED;
    }
    struct float_parts pa = float80_unpack(a, env), pb = float80_unpack(b, env);
    return order(pa, pb);
}

enum float_relation f80_compare_ordered(struct f80 a, struct f80 b, struct float_env *env) {
    return compare(a, b, true, env);
}

enum float_relation f80_compare_unordered(struct f80 a, struct f80 b, struct float_env *env) {
    return compare(a, b, false, env);
}

// SDM volume 2A, FXAM, Table 3-42.
uint16_t f80_examine(struct f80 a) {
    static const uint16_t conditions[] = {
        [F80_IS_ZERO] = FLOAT_C3,  [F80_IS_FINITE] = FLOAT_C2,    [F80_IS_INFINITE] = FLOAT_C2 | FLOAT_C0,
        [F80_IS_QUIET] = FLOAT_C0, [F80_IS_SIGNALING] = FLOAT_C0, [F80_IS_UNSUPPORTED] = 0,
    };
    uint16_t class = conditions[float80_class(a)];
    if (class == FLOAT_C2 && float80_exponent(a) == 0) class |= FLOAT_C3; // denormal
    return class | (float80_sign(a) ? FLOAT_C1 : 0);
}
