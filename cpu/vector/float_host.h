// Single and double precision by the host's own operations, where they give the bits and flags of the integer
// arithmetic beside them: IEEE 754 defines addition, subtraction, multiplication, division, square root, comparison and
// conversion to the bit, on every host, as long as it rounds to nearest. SDM volume 1, sections 4.8, 4.9 and 11.5.
//
// A function says false where flags other than PE may be due, or where a host may have been told to treat denormals as
// zeros: operands must be normal or zero; a result is zero exactly, or normal and not the smallest normal value, as a
// result may be tiny and yet be rounded up to that. Then, and whenever RC is not round to nearest, the caller takes the
// integer arithmetic. What is lost by rounding is computed unless `known` says that it makes no difference.
#ifndef CPU_FLOAT_HOST_H
#define CPU_FLOAT_HOST_H
#include "cpu/float/float.h"
#include "cpu/state/outcome.h"
#include <float.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0 && FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53,
               "the host computes in IEEE 754's binary32 and binary64 (on x86 of 32 bits: -msse2 -mfpmath=sse)");

struct float_host {
    bool known;   // PE is set already, and masked
    bool inexact; // something was rounded; looked for if that is not known
};

// --- values from bits and bits from values ---
#define FLOAT_HOST_BITS(B, T)                                                                                          \
    ALWAYS_INLINE T f##B##_value(f##B a) {                                                                             \
        T v;                                                                                                           \
        memcpy(&v, &a, sizeof v);                                                                                      \
        return v;                                                                                                      \
    }                                                                                                                  \
    ALWAYS_INLINE f##B f##B##_bits(T v) {                                                                              \
        f##B a;                                                                                                        \
        memcpy(&a, &v, sizeof a);                                                                                      \
        return a;                                                                                                      \
    }
FLOAT_HOST_BITS(32, float)
FLOAT_HOST_BITS(64, double)

// --- what kind of value: without the sign, the exponent is in the topmost bits ---
#define FLOAT_HOST_KINDS(B, fraction, infinite)                                                                        \
    ALWAYS_INLINE bool f##B##_is_zero(f##B a) { return !(f##B)(a << 1); }                                              \
    ALWAYS_INLINE bool f##B##_not_denormal(f##B a) {                                                                   \
        return (f##B)((f##B)(a << 1) - 1) >= ((f##B)1 << (fraction + 1)) - 1;                                          \
    }                                                                                                                  \
    /* normal or infinite or zero: what is ordered, and no denormal */                                                 \
    ALWAYS_INLINE bool f##B##_comparable(f##B a) {                                                                     \
        return (f##B)(a << 1) - ((f##B)1 << (fraction + 1)) <= (f##B)(infinite - 1) << (fraction + 1) ||               \
               f##B##_is_zero(a);                                                                                      \
    }                                                                                                                  \
    /* normal, with an exponent above the smallest */                                                                  \
    ALWAYS_INLINE bool f##B##_surely_normal(f##B a) {                                                                  \
        return (f##B)(a << 1) - ((f##B)2 << (fraction + 1)) < (f##B)(infinite - 2) << (fraction + 1);                  \
    }
FLOAT_HOST_KINDS(32, 23, 255)
FLOAT_HOST_KINDS(64, 52, 2047)

// --- whether the nonzero r is not a * b, which it is next to, by a unit in its last place or less ---
ALWAYS_INLINE bool f32_is_not_product(f32 a, f32 b, f32 r) { // 48 bits, exactly
    return (double)f32_value(a) * (double)f32_value(b) != (double)f32_value(r);
}
ALWAYS_INLINE uint64_t f64_significand(f64 a) { return (a & ((1ull << 52) - 1)) | 1ull << 52; }
ALWAYS_INLINE int f64_biased_exponent(f64 a) { return (int)(a >> 52 & 0x7ff); }
ALWAYS_INLINE bool f64_is_not_product(f64 a, f64 b, f64 r) { // the low 64 of 106 bits: the rest cannot differ alone
    int shift = f64_biased_exponent(r) - f64_biased_exponent(a) - f64_biased_exponent(b) + 1075; // 52 or 53
    return f64_significand(a) * f64_significand(b) != f64_significand(r) << (shift & 63);
}

// --- r = a op b ---
#define FLOAT_HOST_OPERATION(B, T, name, expression, zero, rounded)                                                    \
    ALWAYS_INLINE bool f##B##_host_##name(f##B a, f##B b, f##B *result, struct float_host *host) {                     \
        const T x = f##B##_value(a), y = f##B##_value(b), s = (expression);                                            \
        const f##B r = f##B##_bits(s);                                                                                 \
        (void)x, (void)y;                                                                                              \
        *result = r;                                                                                                   \
        if (unlikely(!host->known)) host->inexact |= !f##B##_is_zero(r) && (rounded);                                  \
        if (unlikely(!f##B##_not_denormal(a) || !f##B##_not_denormal(b))) return false;                                \
        return likely(f##B##_surely_normal(r)) || (f##B##_is_zero(r) && (zero));                                       \
    }
// A sum of values that are not denormal is zero only exactly, and exact if both can be had back from it. So is a root.
#define FLOAT_HOST_OPERATIONS(B, T, square_root)                                                                       \
    FLOAT_HOST_OPERATION(B, T, add, x + y, true, s - x != y || s - y != x)                                             \
    FLOAT_HOST_OPERATION(B, T, sub, x - y, true, x - s != y || s + y != x)                                             \
    FLOAT_HOST_OPERATION(B, T, mul, x *y, f##B##_is_zero(a) || f##B##_is_zero(b), f##B##_is_not_product(a, b, r))      \
    FLOAT_HOST_OPERATION(B, T, div, x / y, f##B##_is_zero(a), f##B##_is_not_product(r, b, a))                          \
    FLOAT_HOST_OPERATION(B, T, root, square_root(y), true, f##B##_is_not_product(r, r, b))                             \
    ALWAYS_INLINE bool f##B##_host_sqrt(f##B unused, f##B b, f##B *r, struct float_host *host) {                       \
        (void)unused;                                                                                                  \
        return f##B##_host_root(b, b, r, host);                                                                        \
    }
FLOAT_HOST_OPERATIONS(32, float, __builtin_sqrtf)
FLOAT_HOST_OPERATIONS(64, double, __builtin_sqrt)

// --- comparisons ---
#define FLOAT_HOST_COMPARISONS(B)                                                                                      \
    ALWAYS_INLINE bool f##B##_host_min(f##B a, f##B b, f##B *r, struct float_host *host) {                             \
        (void)host;                                                                                                    \
        *r = f##B##_value(a) < f##B##_value(b) ? a : b;                                                                \
        return f##B##_comparable(a) && f##B##_comparable(b);                                                           \
    }                                                                                                                  \
    ALWAYS_INLINE bool f##B##_host_max(f##B a, f##B b, f##B *r, struct float_host *host) {                             \
        (void)host;                                                                                                    \
        *r = f##B##_value(a) > f##B##_value(b) ? a : b;                                                                \
        return f##B##_comparable(a) && f##B##_comparable(b);                                                           \
    }                                                                                                                  \
    ALWAYS_INLINE bool f##B##_host_compare(f##B a, f##B b, enum float_relation *relation) {                            \
        bool less = f##B##_value(a) < f##B##_value(b), equal = f##B##_value(a) == f##B##_value(b);                     \
        *relation = (enum float_relation)(less * FLOAT_LESS | equal * FLOAT_EQUAL);                                    \
        return f##B##_comparable(a) && f##B##_comparable(b);                                                           \
    }                                                                                                                  \
    /* CMPSS by imm8[2:0]: a row of a bit for each predicate for greater, less, equal */                               \
    ALWAYS_INLINE bool f##B##_host_predicate(f##B a, f##B b, unsigned predicate, f##B *r) {                            \
        unsigned less = f##B##_value(a) < f##B##_value(b), equal = f##B##_value(a) == f##B##_value(b);                 \
        *r = (f##B)0 - (f##B)(0xa596f0u >> (8 * less + 16 * equal + predicate) & 1);                                   \
        return f##B##_comparable(a) && f##B##_comparable(b);                                                           \
    }
FLOAT_HOST_COMPARISONS(32)
FLOAT_HOST_COMPARISONS(64)

// --- conversions ---
ALWAYS_INLINE bool f64_host_from_f32(f32 a, f64 *r, struct float_host *host) {
    (void)host;
    *r = f64_bits((double)f32_value(a));
    return f32_comparable(a);
}
ALWAYS_INLINE bool f32_host_from_f64(f64 a, f32 *r, struct float_host *host) {
    float v = (float)f64_value(a);
    *r = f32_bits(v);
    host->inexact |= (double)v != f64_value(a);
    return f64_not_denormal(a) && (f32_surely_normal(*r) || f64_is_zero(a));
}
ALWAYS_INLINE bool f64_host_from_i32(int32_t a, f64 *r, struct float_host *host) {
    (void)host;
    *r = f64_bits((double)a);
    return true;
}
// 2^63 is no integer of 64 bits: it was rounded.
ALWAYS_INLINE bool f64_host_from_i64(int64_t a, f64 *r, struct float_host *host) {
    double v = (double)a;
    *r = f64_bits(v);
    host->inexact |= v == 0x1p63 || (int64_t)v != a;
    return true;
}
ALWAYS_INLINE bool f32_host_from_i64(int64_t a, f32 *r, struct float_host *host) {
    float v = (float)a;
    *r = f32_bits(v);
    host->inexact |= v == 0x1p63f || (int64_t)v != a;
    return true;
}
ALWAYS_INLINE bool f32_host_from_i32(int32_t a, f32 *r, struct float_host *host) {
    return f32_host_from_i64(a, r, host);
}

// Doubles from 2^52 on are integers: what is left when such a number is added and taken off again was rounded to one.
#define FLOAT_HOST_INTEGERS 0x1.8p52
ALWAYS_INLINE bool f64_host_to_integer(f64 a, unsigned width, bool truncate, int64_t *r, struct float_host *host) {
    const double v = f64_value(a), limit = width == 32 ? 0x1p31 : truncate ? 0x1p63 : 0x1p51;
    if (unlikely(!(v > -limit && v < limit - 0.5) || !f64_not_denormal(a))) return false;
    const double integer = truncate ? (double)(int64_t)v : v + FLOAT_HOST_INTEGERS - FLOAT_HOST_INTEGERS;
    *r = (int64_t)integer;
    host->inexact |= integer != v;
    return true;
}
ALWAYS_INLINE bool f32_host_to_integer(f32 a, unsigned width, bool truncate, int64_t *r, struct float_host *host) {
    return f32_not_denormal(a) && f64_host_to_integer(f64_bits((double)f32_value(a)), width, truncate, r, host);
}

#endif
