// Operands and element-wise bodies of the MMX and SSE instructions.
//
// An operation is written once over a lane of 16 bytes, `d` (first source and result) and `s`, for N bytes of it: MMX
// instructions use a lane's low 8 bytes, SSE instructions one lane. Legacy SSE instructions leave bits 511:128 of their
// destination alone. All arithmetic is on integers: the same bits on every host.
#ifndef CPU_VECTOR_H
#define CPU_VECTOR_H
#include "cpu/engine/body.h"
#include "cpu/x87/x87.h"

union lane {
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
    int8_t i8[16];
    int16_t i16[8];
    int32_t i32[4];
    int64_t i64[2];
};

enum alignment { UNALIGNED, ALIGNED };

// --- XMM ---
ALWAYS_INLINE union lane xmm_get(const struct cpu *cpu, unsigned number) {
    union lane v;
    memcpy(&v, &cpu->fpu.vector[number], 16);
    return v;
}
ALWAYS_INLINE void xmm_set(struct cpu *cpu, unsigned number, const union lane *v) {
    memcpy(&cpu->fpu.vector[number], v, 16);
}

// Legacy SSE instructions want 16-byte operands aligned, movups and its like aside. SDM Vol. 1, 10.4.1.1.
ALWAYS_INLINE enum outcome vector_linear(struct cpu *cpu, const struct op *op, unsigned bytes, enum alignment alignment,
                                         bool write, uint64_t *linear) {
    TRY(op_linear(cpu, op, bytes, write, linear));
    if (alignment == ALIGNED && unlikely(*linear & 15)) return cpu_fault_gp0(cpu);
    return OUT_OK;
}
ALWAYS_INLINE void *vector_fast(const struct cpu *cpu, const struct op *op, enum form f, unsigned bytes,
                                enum alignment alignment, bool write) {
    return fast_operand_aligned(cpu, op, f, bytes, alignment == ALIGNED ? 16 : 1, write);
}
// The memory operand, zero-extended to the lane.
ALWAYS_INLINE enum outcome vector_load(struct cpu *cpu, const struct op *op, enum form f, unsigned bytes,
                                       enum alignment alignment, union lane *v) {
    uint64_t linear = 0;
    enum outcome outcome;
    *v = (union lane){.u64 = {0, 0}};
    if (f & FORM_FAST) {
        const void *fast = vector_fast(cpu, op, f, bytes, alignment, false);
        if (unlikely(!fast)) return OUT_MISS;
        memcpy(v, fast, bytes);
        return OUT_OK;
    }
    TRY(vector_linear(cpu, op, bytes, alignment, false, &linear));
    const void *p = memory_read(cpu, linear, bytes, &outcome);
    if (unlikely(!p)) return outcome;
    memcpy(v, p, bytes);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome vector_store(struct cpu *cpu, const struct op *op, enum form f, unsigned bytes,
                                        enum alignment alignment, const union lane *v) {
    uint64_t linear = 0;
    enum outcome outcome;
    if (f & FORM_FAST) {
        void *fast = vector_fast(cpu, op, f, bytes, alignment, true);
        if (unlikely(!fast)) return OUT_MISS;
        memcpy(fast, v, bytes);
        return OUT_OK;
    }
    TRY(vector_linear(cpu, op, bytes, alignment, true, &linear));
    void *p = memory_write(cpu, linear, bytes, false, &outcome);
    if (unlikely(!p)) return outcome;
    memcpy(p, v, bytes);
    return unlikely(p == cpu->bounce.data) ? memory_commit(cpu, bytes) : OUT_OK;
}
// The source operand: a whole register, or `bytes` of memory.
ALWAYS_INLINE enum outcome xmm_source(struct cpu *cpu, const struct op *op, enum form f, unsigned bytes,
                                      enum alignment alignment, union lane *v) {
    if (form_plain(f) == FORM_RM) return vector_load(cpu, op, f, bytes, alignment, v);
    *v = xmm_get(cpu, op->src);
    return OUT_OK;
}

// --- MMX ---
ALWAYS_INLINE union lane mmx_get(const struct cpu *cpu, unsigned number) {
    return (union lane){.u64 = {cpu->fpu.x87.r[number & 7].significand, 0}};
}
ALWAYS_INLINE void mmx_set(struct cpu *cpu, unsigned number, const union lane *v) {
    cpu->fpu.x87.r[number & 7] = (struct x87_register){v->u64[0], 0xffff};
}
// What every MMX instruction but EMMS does to the x87 state: TOP is 0, all registers valid. SDM Vol. 1, 9.5.1.
ALWAYS_INLINE void mmx_enter(struct cpu *cpu) {
    cpu->fpu.x87.status &= (uint16_t)~X87_TOP;
    cpu->fpu.x87.empty = 0;
}
ALWAYS_INLINE enum outcome mmx_source(struct cpu *cpu, const struct op *op, enum form f, unsigned bytes,
                                      union lane *v) {
    *v = (union lane){.u64 = {0, 0}};
    TRY(x87_wait(cpu));
    if (f == FORM_RM)
        TRY(vector_load(cpu, op, f, bytes, UNALIGNED, v));
    else
        *v = mmx_get(cpu, op->src);
    mmx_enter(cpu);
    return OUT_OK;
}

// --- bodies from an operation ---
// OPERATION(name) { ... }      d, s, N (bytes) and imm in scope
// PACKED(name, type, e)        every element: e, of a (of d) and b (of s), cast to the element type
#define OPERATION(name)                                                                                                \
    ALWAYS_INLINE void name##_lane([[maybe_unused]] union lane *d, [[maybe_unused]] const union lane *s,               \
                                   [[maybe_unused]] const unsigned N, [[maybe_unused]] unsigned imm)
#define PACKED(name, type, expression)                                                                                 \
    OPERATION(name) {                                                                                                  \
        for (unsigned i = 0; i < N / sizeof(d->type[0]); i++) {                                                        \
            [[maybe_unused]] const __typeof__(d->type[0]) a = d->type[i], b = s->type[i];                              \
            d->type[i] = (__typeof__(d->type[0]))(expression);                                                         \
        }                                                                                                              \
    }

// SSE(name): body sse_name, 16-byte aligned source. SSE_BYTES: the memory source has `bytes` bytes, any alignment.
#define SSE_SOURCE(name, bytes, alignment)                                                                             \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        TRY(xmm_source(cpu, op, F, bytes, alignment, &s));                                                             \
        name##_lane(&d, &s, 16, (uint8_t)op->imm);                                                                     \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR)
#define SSE(name) SSE_SOURCE(name, 16, ALIGNED)
#define SSE_BYTES(name, bytes) SSE_SOURCE(name, bytes, UNALIGNED)

#define MMX_BYTES(name, bytes)                                                                                         \
    BODY(mmx_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d, s;                                                                                               \
        TRY(mmx_source(cpu, op, F, bytes, &s));                                                                        \
        d = mmx_get(cpu, op->dst);                                                                                     \
        name##_lane(&d, &s, 8, (uint8_t)op->imm);                                                                      \
        mmx_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(mmx_##name, NEXT, FORMS_VECTOR)
#define MMX(name) MMX_BYTES(name, 8)
#define MMX_SSE(name) SSE(name) MMX(name)

// Forms of one kind only.
#define FORMS_RR(X, n) X(n, RR, 32)
#define FORMS_RM(X, n) X(n, RM, 32)
#define FORMS_MR(X, n) X(n, MR, 32)
#define FORMS_M(X, n) X(n, M, 32)
#define FORMS_RI(X, n) X(n, RI, 32)
#define FORMS_VECTOR_TO_GPR(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, RM)
#define FORMS_VECTOR_TO_RM(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, MR)

ALWAYS_INLINE int64_t clamp(int64_t v, int64_t low, int64_t high) { return v < low ? low : v > high ? high : v; }

#endif
