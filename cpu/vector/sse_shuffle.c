// Packing, unpacking, shuffles, blends, insertion and extraction of MMX and SSE. SDM Vol. 1, 9.4, 10.4.4, 11.4.2, 12.
#include "cpu/vector/vector.h"

// --- pack: the destination's elements, then the source's, narrowed with saturation ---
#define PACK(name, wide, narrow, low, high)                                                                            \
    OPERATION(name) {                                                                                                  \
        const unsigned count = N / sizeof(d->wide[0]);                                                                 \
        union lane r;                                                                                                  \
        for (unsigned i = 0; i < count; i++) {                                                                         \
            r.narrow[i] = (__typeof__(d->narrow[0]))clamp(d->wide[i], low, high);                                      \
            r.narrow[count + i] = (__typeof__(d->narrow[0]))clamp(s->wide[i], low, high);                              \
        }                                                                                                              \
        memcpy(d, &r, N);                                                                                              \
    }
PACK(packsswb, i16, i8, INT8_MIN, INT8_MAX)
MMX_SSE(packsswb)
PACK(packssdw, i32, i16, INT16_MIN, INT16_MAX)
MMX_SSE(packssdw)
PACK(packuswb, i16, u8, 0, UINT8_MAX)
MMX_SSE(packuswb)
PACK(packusdw, i32, u16, 0, UINT16_MAX)
SSE(packusdw)

// --- unpack: elements of the low or high halves, the destination's first. MMX reads 4 bytes of memory for the low
// ones.
#define UNPACK(name, type, high)                                                                                       \
    OPERATION(name) {                                                                                                  \
        const unsigned half = N / sizeof(d->type[0]) / 2, from = (high) ? half : 0;                                    \
        union lane r;                                                                                                  \
        for (unsigned i = 0; i < half; i++) {                                                                          \
            r.type[2 * i] = d->type[from + i];                                                                         \
            r.type[2 * i + 1] = s->type[from + i];                                                                     \
        }                                                                                                              \
        memcpy(d, &r, N);                                                                                              \
    }
UNPACK(punpcklbw, u8, 0)
SSE(punpcklbw)
MMX_BYTES(punpcklbw, 4)
UNPACK(punpcklwd, u16, 0)
SSE(punpcklwd)
MMX_BYTES(punpcklwd, 4)
UNPACK(punpckldq, u32, 0)
SSE(punpckldq)
MMX_BYTES(punpckldq, 4)
UNPACK(punpcklqdq, u64, 0)
SSE(punpcklqdq)
UNPACK(punpckhbw, u8, 1)
MMX_SSE(punpckhbw)
UNPACK(punpckhwd, u16, 1)
MMX_SSE(punpckhwd)
UNPACK(punpckhdq, u32, 1)
MMX_SSE(punpckhdq)
UNPACK(punpckhqdq, u64, 1)
SSE(punpckhqdq)

// --- shuffles by an immediate of two-bit selectors ---
OPERATION(pshufd) {
    for (unsigned i = 0; i < 4; i++) d->u32[i] = s->u32[imm >> 2 * i & 3];
}
SSE(pshufd)
OPERATION(pshuflw) {
    d->u64[1] = s->u64[1];
    for (unsigned i = 0; i < 4; i++) d->u16[i] = s->u16[imm >> 2 * i & 3];
}
SSE(pshuflw)
OPERATION(pshufhw) {
    d->u64[0] = s->u64[0];
    for (unsigned i = 0; i < 4; i++) d->u16[4 + i] = s->u16[4 + (imm >> 2 * i & 3)];
}
SSE(pshufhw)
OPERATION(pshufw) {
    for (unsigned i = 0; i < 4; i++) d->u16[i] = s->u16[imm >> 2 * i & 3];
}
MMX(pshufw)
OPERATION(shufps) {
    *d = (union lane){.u32 = {d->u32[imm & 3], d->u32[imm >> 2 & 3], s->u32[imm >> 4 & 3], s->u32[imm >> 6 & 3]}};
}
SSE(shufps)
OPERATION(shufpd) { *d = (union lane){.u64 = {d->u64[imm & 1], s->u64[imm >> 1 & 1]}}; }
SSE(shufpd)

// --- shuffle by bytes, and a window of the concatenation ---
OPERATION(pshufb) {
    union lane a = *d;
    for (unsigned i = 0; i < N; i++) d->u8[i] = s->u8[i] & 0x80 ? 0 : a.u8[s->u8[i] & (N - 1)];
}
MMX_SSE(pshufb)
OPERATION(palignr) {
    uint8_t both[32 + 32] = {0};
    memcpy(both, s, N);
    memcpy(both + N, d, N);
    memcpy(d, both + (imm < 2 * N ? imm : 2 * N), N);
}
MMX_SSE(palignr)

// --- blends: the immediate's bits, or the sign bits of XMM0, choose the source ---
#define BLEND(name, type)                                                                                              \
    OPERATION(name) {                                                                                                  \
        for (unsigned i = 0; i < N / sizeof(d->type[0]); i++)                                                          \
            if (imm >> i & 1) d->type[i] = s->type[i];                                                                 \
    }
BLEND(blendps, u32)
SSE(blendps)
BLEND(blendpd, u64)
SSE(blendpd)
BLEND(pblendw, u16)
SSE(pblendw)

#define BLEND_BY_XMM0(name, type, selector)                                                                            \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), mask = xmm_get(cpu, 0), s;                                               \
        TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));                                                                  \
        for (unsigned i = 0; i < 16 / sizeof(d.type[0]); i++)                                                          \
            if (mask.selector[i] < 0) d.type[i] = s.type[i];                                                           \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
BLEND_BY_XMM0(blendvps, u32, i32)
BLEND_BY_XMM0(blendvpd, u64, i64)
BLEND_BY_XMM0(pblendvb, u8, i8)

// --- widening moves of SSE4.1: `bytes` of memory ---
#define WIDEN(name, narrow, wide, bytes)                                                                               \
    OPERATION(name) {                                                                                                  \
        union lane r;                                                                                                  \
        for (unsigned i = 0; i < 16 / sizeof(d->wide[0]); i++) r.wide[i] = s->narrow[i];                               \
        *d = r;                                                                                                        \
    }                                                                                                                  \
    SSE_BYTES(name, bytes)
WIDEN(pmovsxbw, i8, i16, 8)
WIDEN(pmovsxbd, i8, i32, 4)
WIDEN(pmovsxbq, i8, i64, 2)
WIDEN(pmovsxwd, i16, i32, 8)
WIDEN(pmovsxwq, i16, i64, 4)
WIDEN(pmovsxdq, i32, i64, 8)
WIDEN(pmovzxbw, u8, u16, 8)
WIDEN(pmovzxbd, u8, u32, 4)
WIDEN(pmovzxbq, u8, u64, 2)
WIDEN(pmovzxwd, u16, u32, 8)
WIDEN(pmovzxwq, u16, u64, 4)
WIDEN(pmovzxdq, u32, u64, 8)

// --- insertion of a general register or memory, extraction to one ---
#define INSERT(name, type, bits)                                                                                       \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        if (form_plain(F) == FORM_RM)                                                                                  \
            TRY(vector_load(cpu, op, F, bits / 8, UNALIGNED, &s));                                                     \
        else                                                                                                           \
            s.u64[0] = reg_get(cpu, op->src, 64);                                                                      \
        d.type[(uint8_t)op->imm & (128 / bits - 1)] = (__typeof__(d.type[0]))s.u64[0];                                 \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR)
INSERT(pinsrb, u8, 8)
INSERT(pinsrw, u16, 16)
INSERT(pinsrd, u32, 32)
INSERT(pinsrq, u64, 64)

#define EXTRACT(name, type, bits)                                                                                      \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane s = xmm_get(cpu, op->src);                                                                          \
        union lane r = {.u64 = {s.type[(uint8_t)op->imm & (128 / bits - 1)], 0}};                                      \
        if (form_plain(F) == FORM_MR) return vector_store(cpu, op, F, bits / 8, UNALIGNED, &r);                        \
        reg_set(cpu, op->dst, 64, r.u64[0]);                                                                           \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR_STORE)
EXTRACT(pextrb, u8, 8)
EXTRACT(pextrw, u16, 16)
EXTRACT(pextrd, u32, 32) // also extractps
EXTRACT(pextrq, u64, 64)

BODY(mmx_pinsrw) {
    BODY_UNUSED;
    union lane s = {.u64 = {reg_get(cpu, op->src, 64), 0}}, d;
    TRY(x87_wait(cpu));
    if (F == FORM_RM) TRY(vector_load(cpu, op, F, 2, UNALIGNED, &s));
    mmx_enter(cpu);
    d = mmx_get(cpu, op->dst);
    d.u16[op->imm & 3] = s.u16[0];
    mmx_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(mmx_pinsrw, NEXT, FORMS_VECTOR)

BODY(mmx_pextrw) {
    BODY_UNUSED;
    union lane s;
    TRY(mmx_source(cpu, op, F, 8, &s));
    reg_set(cpu, op->dst, 64, s.u16[op->imm & 3]);
    return OUT_OK;
}
INSTANTIATE(mmx_pextrw, NEXT, FORMS_RR)

// insertps: imm[7:6] the source element (of a register), imm[5:4] where it goes, imm[3:0] elements to clear.
BODY(sse_insertps) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), s;
    TRY(xmm_source(cpu, op, F, 4, UNALIGNED, &s));
    unsigned imm = (uint8_t)op->imm;
    d.u32[imm >> 4 & 3] = s.u32[form_plain(F) == FORM_RM ? 0 : imm >> 6];
    for (unsigned i = 0; i < 4; i++)
        if (imm >> i & 1) d.u32[i] = 0;
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_insertps, FAST, FORMS_VECTOR)
