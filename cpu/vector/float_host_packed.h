// Four single-precision values at once by the host's own operations, as cpu/vector/float_host.h does one: as vectors of
// the compiler's, which are IEEE 754's operations element by element on every host.
#ifndef CPU_FLOAT_HOST_PACKED_H
#define CPU_FLOAT_HOST_PACKED_H
#include "cpu/vector/float_host.h"

typedef float float_x4 __attribute__((vector_size(16)));
typedef int32_t int_x4 __attribute__((vector_size(16)));

ALWAYS_INLINE int_x4 x4_load(const f32 a[4]) {
    int_x4 v;
    memcpy(&v, a, sizeof v);
    return v;
}
ALWAYS_INLINE void x4_store(f32 r[4], int_x4 v) { memcpy(r, &v, sizeof v); }
ALWAYS_INLINE int_x4 x4_splat(int32_t a) { return (int_x4){a, a, a, a}; }
ALWAYS_INLINE bool x4_all(int_x4 mask) {
    uint64_t half[2];
    memcpy(half, &mask, sizeof half);
    return (half[0] & half[1]) == ~0ull;
}

// The same questions as of one value; elements are all ones where it holds.
ALWAYS_INLINE int_x4 x4_magnitude(int_x4 a) { return a & x4_splat(INT32_MAX); }
ALWAYS_INLINE int_x4 x4_is_zero(int_x4 a) { return x4_magnitude(a) == x4_splat(0); }
ALWAYS_INLINE int_x4 x4_not_denormal(int_x4 a) { return (x4_magnitude(a) > x4_splat((1 << 23) - 1)) | x4_is_zero(a); }
ALWAYS_INLINE int_x4 x4_comparable(int_x4 a) { return x4_not_denormal(a) & (x4_magnitude(a) <= x4_splat(255 << 23)); }
ALWAYS_INLINE int_x4 x4_surely_normal(int_x4 a) {
    int_x4 magnitude = x4_magnitude(a);
    return (magnitude > x4_splat((2 << 23) - 1)) & (magnitude < x4_splat(255 << 23));
}

// r = a op b; what was rounded is found one by one.
#define FLOAT_HOST_X4(name, operator, zero)                                                                            \
    static COLD bool f32x4_host_##name##_each(const f32 a[4], const f32 b[4], f32 r[4], struct float_host *host) {     \
        bool same = true;                                                                                              \
        for (unsigned i = 0; i < 4; i++) same &= f32_host_##name(a[i], b[i], &r[i], host);                             \
        return same;                                                                                                   \
    }                                                                                                                  \
    ALWAYS_INLINE bool f32x4_host_##name(const f32 a[4], const f32 b[4], f32 r[4], struct float_host *host) {          \
        if (unlikely(!host->known)) return f32x4_host_##name##_each(a, b, r, host);                                    \
        const int_x4 x = x4_load(a), y = x4_load(b), s = (int_x4)((float_x4)x operator(float_x4) y);                   \
        x4_store(r, s);                                                                                                \
        return x4_all(x4_not_denormal(x) & x4_not_denormal(y) & (x4_surely_normal(s) | (x4_is_zero(s) & (zero))));     \
    }
FLOAT_HOST_X4(add, +, x4_splat(-1))
FLOAT_HOST_X4(sub, -, x4_splat(-1))
FLOAT_HOST_X4(mul, *, x4_is_zero(x) | x4_is_zero(y))
FLOAT_HOST_X4(div, /, x4_is_zero(x))

ALWAYS_INLINE bool f32x4_host_sqrt(const f32 unused[4], const f32 b[4], f32 r[4], struct float_host *host) {
    bool same = true;
    (void)unused;
    for (unsigned i = 0; i < 4; i++) same &= f32_host_root(b[i], b[i], &r[i], host);
    return same;
}

// a where the relation holds, else b.
#define FLOAT_HOST_X4_SELECT(name, relation)                                                                           \
    ALWAYS_INLINE bool f32x4_host_##name(const f32 a[4], const f32 b[4], f32 r[4], struct float_host *host) {          \
        (void)host;                                                                                                    \
        const int_x4 x = x4_load(a), y = x4_load(b), first = (float_x4)x relation(float_x4) y;                         \
        x4_store(r, (x & first) | (y & ~first));                                                                       \
        return x4_all(x4_comparable(x) & x4_comparable(y));                                                            \
    }
FLOAT_HOST_X4_SELECT(min, <)
FLOAT_HOST_X4_SELECT(max, >)

// CMPPS by imm8[2:0]: equal, less, less or equal, none of them as no NaN is there; and their opposites.
ALWAYS_INLINE bool f32x4_host_predicate(const f32 a[4], const f32 b[4], unsigned predicate, f32 r[4]) {
    const int_x4 x = x4_load(a), y = x4_load(b);
    const int_x4 equal = (float_x4)x == (float_x4)y, less = (float_x4)x < (float_x4)y;
    const int_x4 by_equal = x4_splat(predicate & 1 ? 0 : -1), opposite = x4_splat(predicate & 4 ? -1 : 0);
    const int_x4 by_less = x4_splat((predicate ^ predicate >> 1) & 1 ? -1 : 0);
    x4_store(r, ((equal & by_equal) | (less & by_less)) ^ opposite);
    return x4_all(x4_comparable(x) & x4_comparable(y));
}

#endif
