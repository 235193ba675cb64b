// Comparisons, minimum and maximum of single and double precision. SDM volume 2, COMISS, UCOMISS, CMPPS, MINPS, MAXPS
// and the double-precision forms.
#include "cpu/float/float_format.h"

// The order of two values that are not NaNs; +0 equals -0.
ALWAYS_INLINE enum float_relation order(struct float_format f, uint64_t a, uint64_t b) {
    if (a == b || !float_magnitude(f, a | b)) return FLOAT_EQUAL;
    bool less = float_sign(f, a) != float_sign(f, b) ? float_sign(f, a) : (a < b) != float_sign(f, a);
    return less ? FLOAT_LESS : FLOAT_GREATER;
}

// Denormals-are-zeros, and DE for what is left denormal.
ALWAYS_INLINE void ready_operands(struct float_format f, uint64_t *a, uint64_t *b, struct float_env *env) {
    if (likely(!float_is_denormal(f, *a) && !float_is_denormal(f, *b))) return;
    *a = float_zero_by_denormals(f, *a, env);
    *b = float_zero_by_denormals(f, *b, env);
    if (!env->denormals_are_zero) env->flags |= FLOAT_DE;
}

// `signaling`: a QNaN raises IE as well.
ALWAYS_INLINE enum float_relation compare(struct float_format f, uint64_t a, uint64_t b, bool signaling,
                                          struct float_env *env) {
    if (unlikely(float_is_nan(f, a) || float_is_nan(f, b))) {
        if (signaling || float_is_signaling(f, a) || float_is_signaling(f, b)) env->flags |= FLOAT_IE;
        return FLOAT_UNORDERED;
    }
    ready_operands(f, &a, &b, env);
    return order(f, a, b);
}

// What imm8[3:0] of CMPPS asks for, as the set of relations for which it is true (SDM volume 2A, CMPPD, Table 3-1).
// imm8[4] swaps signaling and quiet.
enum { LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8 };
static const struct {
    uint8_t relations;
    bool signaling;
} predicates[16] = {
    {EQUAL, false},                              // EQ_OQ
    {LESS, true},                                // LT_OS
    {LESS | EQUAL, true},                        // LE_OS
    {UNORDERED, false},                          // UNORD_Q
    {LESS | GREATER | UNORDERED, false},         // NEQ_UQ
    {EQUAL | GREATER | UNORDERED, true},         // NLT_US
    {GREATER | UNORDERED, true},                 // NLE_US
    {LESS | EQUAL | GREATER, false},             // ORD_Q
    {EQUAL | UNORDERED, false},                  // EQ_UQ
    {LESS | UNORDERED, true},                    // NGE_US
    {LESS | EQUAL | UNORDERED, true},            // NGT_US
    {0, false},                                  // FALSE_OQ
    {LESS | GREATER, false},                     // NEQ_OQ
    {EQUAL | GREATER, true},                     // GE_OS
    {GREATER, true},                             // GT_OS
    {LESS | EQUAL | GREATER | UNORDERED, false}, // TRUE_UQ
};

ALWAYS_INLINE bool predicate_holds(struct float_format f, uint64_t a, uint64_t b, unsigned predicate,
                                   struct float_env *env) {
    bool signaling = predicates[predicate & 15].signaling != (predicate >> 4 & 1);
    enum float_relation relation = compare(f, a, b, signaling, env);
    unsigned relation_bit = relation == FLOAT_LESS      ? LESS
                            : relation == FLOAT_EQUAL   ? EQUAL
                            : relation == FLOAT_GREATER ? GREATER
                                                        : UNORDERED;
    return predicates[predicate & 15].relations & relation_bit;
}

// a if `a wanted b`, else b: so b for equal operands and for zeros of any sign; b and IE if either is a NaN.
ALWAYS_INLINE uint64_t select_by(struct float_format f, uint64_t a, uint64_t b, enum float_relation wanted,
                                 struct float_env *env) {
    if (unlikely(float_is_nan(f, a) || float_is_nan(f, b))) {
        env->flags |= FLOAT_IE;
        return float_zero_by_denormals(f, b, env);
    }
    ready_operands(f, &a, &b, env);
    return order(f, a, b) == wanted ? a : b;
}

f32 f32_min(f32 a, f32 b, struct float_env *env) { return (f32)select_by(FLOAT_SINGLE, a, b, FLOAT_LESS, env); }
f32 f32_max(f32 a, f32 b, struct float_env *env) { return (f32)select_by(FLOAT_SINGLE, a, b, FLOAT_GREATER, env); }
f64 f64_min(f64 a, f64 b, struct float_env *env) { return select_by(FLOAT_DOUBLE, a, b, FLOAT_LESS, env); }
f64 f64_max(f64 a, f64 b, struct float_env *env) { return select_by(FLOAT_DOUBLE, a, b, FLOAT_GREATER, env); }

enum float_relation f32_compare_ordered(f32 a, f32 b, struct float_env *env) {
    return compare(FLOAT_SINGLE, a, b, true, env);
}

enum float_relation f32_compare_unordered(f32 a, f32 b, struct float_env *env) {
    return compare(FLOAT_SINGLE, a, b, false, env);
}

enum float_relation f64_compare_ordered(f64 a, f64 b, struct float_env *env) {
    return compare(FLOAT_DOUBLE, a, b, true, env);
}

enum float_relation f64_compare_unordered(f64 a, f64 b, struct float_env *env) {
    return compare(FLOAT_DOUBLE, a, b, false, env);
}

bool f32_predicate(f32 a, f32 b, unsigned predicate, struct float_env *env) {
    return predicate_holds(FLOAT_SINGLE, a, b, predicate, env);
}

bool f64_predicate(f64 a, f64 b, unsigned predicate, struct float_env *env) {
    return predicate_holds(FLOAT_DOUBLE, a, b, predicate, env);
}
