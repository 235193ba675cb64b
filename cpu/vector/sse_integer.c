// Integer arithmetic, comparison and logic of MMX, SSE2, SSSE3 and SSE4, element by element. SDM Vol. 1, 9.4, 11.4.2.
#include "cpu/vector/vector.h"

#define ALL_ONES_IF(condition) ((condition) ? -1 : 0)
#define SATURATE(type, v) clamp((int64_t)(v), type##_MIN, type##_MAX)
#define UINT8_MIN 0
#define UINT16_MIN 0

#define PACKED_ROW(name, element, sets, value) PACKED(name, element, value) sets(name)
#include "cpu/vector/packed.def"

OPERATION(pmaddwd) {
    for (unsigned i = 0; i < N / 4; i++) {
        uint32_t low = (uint32_t)(d->i16[2 * i] * s->i16[2 * i]);
        d->u32[i] = low + (uint32_t)(d->i16[2 * i + 1] * s->i16[2 * i + 1]);
    }
}
MMX_SSE(pmaddwd)

OPERATION(pmaddubsw) {
    for (unsigned i = 0; i < N / 2; i++) {
        int sum = d->u8[2 * i] * s->i8[2 * i] + d->u8[2 * i + 1] * s->i8[2 * i + 1];
        d->i16[i] = (int16_t)SATURATE(INT16, sum);
    }
}
MMX_SSE(pmaddubsw)

OPERATION(psadbw) {
    for (unsigned i = 0; i < N / 8; i++) {
        unsigned sum = 0;
        for (unsigned j = 8 * i; j < 8 * i + 8; j++)
            sum += d->u8[j] > s->u8[j] ? d->u8[j] - s->u8[j] : s->u8[j] - d->u8[j];
        d->u64[i] = sum;
    }
}
MMX_SSE(psadbw)

// mpsadbw: imm[2] selects the destination's starting byte (0 or 4), imm[1:0] the source's block of four.
OPERATION(mpsadbw) {
    union lane a = *d;
    unsigned from = imm & 4, block = 4 * (imm & 3);
    for (unsigned i = 0; i < 8; i++) {
        unsigned sum = 0;
        for (unsigned j = 0; j < 4; j++) {
            int difference = a.u8[from + i + j] - s->u8[block + j];
            sum += (unsigned)(difference < 0 ? -difference : difference);
        }
        d->u16[i] = (uint16_t)sum;
    }
}
SSE(mpsadbw)

OPERATION(phminposuw) {
    unsigned at = 0;
    for (unsigned i = 1; i < 8; i++)
        if (s->u16[i] < s->u16[at]) at = i;
    *d = (union lane){.u16 = {s->u16[at], (uint16_t)at}};
}
SSE(phminposuw)

// --- horizontal: pairs of the destination, then pairs of the source ---
#define HORIZONTAL(name, type, expression)                                                                             \
    OPERATION(name) {                                                                                                  \
        const unsigned count = N / sizeof(d->type[0]);                                                                 \
        union lane r;                                                                                                  \
        for (unsigned i = 0; i < count; i++) {                                                                         \
            const union lane *from = i < count / 2 ? d : s;                                                            \
            unsigned at = 2 * i % count;                                                                               \
            const __typeof__(d->type[0]) a = from->type[at], b = from->type[at + 1];                                   \
            r.type[i] = (__typeof__(d->type[0]))(expression);                                                          \
        }                                                                                                              \
        memcpy(d, &r, N);                                                                                              \
    }
HORIZONTAL(phaddw, u16, a + b)
MMX_SSE(phaddw)
HORIZONTAL(phaddd, u32, a + b)
MMX_SSE(phaddd)
HORIZONTAL(phaddsw, i16, SATURATE(INT16, a + b))
MMX_SSE(phaddsw)
HORIZONTAL(phsubw, u16, a - b)
MMX_SSE(phsubw)
HORIZONTAL(phsubd, u32, a - b)
MMX_SSE(phsubd)
HORIZONTAL(phsubsw, i16, SATURATE(INT16, a - b))
MMX_SSE(phsubsw)

// --- ptest: ZF = no bit of (d & s), CF = no bit of (~d & s); the others 0 ---
BODY(sse_ptest) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), s;
    TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));
    bool zf = !((d.u64[0] & s.u64[0]) | (d.u64[1] & s.u64[1]));
    bool cf = !((~d.u64[0] & s.u64[0]) | (~d.u64[1] & s.u64[1]));
    flags_set(&cpu->flags, (zf ? FLAG_ZF : 0) | (cf ? FLAG_CF : 0));
    return OUT_OK;
}
INSTANTIATE(sse_ptest, FAST, FORMS_VECTOR)
