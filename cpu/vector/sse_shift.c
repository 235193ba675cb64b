// Shifts of MMX and SSE2: by the low quadword of the source, by an immediate, and of the whole register by bytes.
// SDM Vol. 2B, PSLLW and following. A count of at least the element's width gives 0, or copies of the sign.
#include "cpu/vector/vector.h"

// SHIFT(name, type, e, past): e of element a and count n below the width; `past` when n is not below it.
#define SHIFT(name, type, expression, past)                                                                            \
    ALWAYS_INLINE void name##_by(union lane *d, uint64_t n, const unsigned N) {                                        \
        for (unsigned i = 0; i < N / sizeof(d->type[0]); i++) {                                                        \
            const __typeof__(d->type[0]) a = d->type[i];                                                               \
            d->type[i] = (__typeof__(d->type[0]))(n < 8 * sizeof(a) ? (expression) : (past));                          \
        }                                                                                                              \
    }                                                                                                                  \
    OPERATION(name) { name##_by(d, s->u64[0], N); }                                                                    \
    MMX_SSE(name)                                                                                                      \
    BODY(sse_##name##_imm) {                                                                                           \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst);                                                                          \
        name##_by(&d, (uint8_t)op->imm, 16);                                                                           \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name##_imm, NEXT, FORMS_RI)                                                                      \
    BODY(mmx_##name##_imm) {                                                                                           \
        BODY_UNUSED;                                                                                                   \
        TRY(x87_wait(cpu));                                                                                            \
        mmx_enter(cpu);                                                                                                \
        union lane d = mmx_get(cpu, op->dst);                                                                          \
        name##_by(&d, (uint8_t)op->imm, 8);                                                                            \
        mmx_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(mmx_##name##_imm, NEXT, FORMS_RI)

SHIFT(psllw, u16, a << n, 0)
SHIFT(pslld, u32, a << n, 0)
SHIFT(psllq, u64, a << n, 0)
SHIFT(psrlw, u16, a >> n, 0)
SHIFT(psrld, u32, a >> n, 0)
SHIFT(psrlq, u64, a >> n, 0)
SHIFT(psraw, i16, a >> n, a >> 15)
SHIFT(psrad, i32, a >> n, a >> 31)

BODY(sse_pslldq) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), r = {.u64 = {0, 0}};
    unsigned n = (uint8_t)op->imm;
    if (n < 16) memcpy(&r.u8[n], &d, 16 - n);
    xmm_set(cpu, op->dst, &r);
    return OUT_OK;
}
INSTANTIATE(sse_pslldq, NEXT, FORMS_RI)

BODY(sse_psrldq) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), r = {.u64 = {0, 0}};
    unsigned n = (uint8_t)op->imm;
    if (n < 16) memcpy(&r, &d.u8[n], 16 - n);
    xmm_set(cpu, op->dst, &r);
    return OUT_OK;
}
INSTANTIATE(sse_psrldq, NEXT, FORMS_RI)
