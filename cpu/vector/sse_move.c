// SSE data movement: whole registers, scalars, halves, general registers, masks. SDM Vol. 1, 10.4.1.1, 11.4.1.1, 12.x.
// Non-temporal hints have no effect on the modelled machine: memory is always coherent.
#include "cpu/vector/vector.h"

// --- 16 bytes: movaps movapd movdqa and their unaligned forms, lddqu, movntdqa ---
BODY(sse_load) {
    BODY_UNUSED;
    union lane s;
    TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));
    xmm_set(cpu, op->dst, &s);
    return OUT_OK;
}
INSTANTIATE(sse_load, FAST, FORMS_VECTOR)

BODY(sse_loadu) {
    BODY_UNUSED;
    union lane s;
    TRY(xmm_source(cpu, op, F, 16, UNALIGNED, &s));
    xmm_set(cpu, op->dst, &s);
    return OUT_OK;
}
INSTANTIATE(sse_loadu, FAST, FORMS_VECTOR)

ALWAYS_INLINE enum outcome store_whole(struct cpu *cpu, const struct op *op, enum form f, enum alignment alignment) {
    union lane s = xmm_get(cpu, op->src);
    if (form_plain(f) == FORM_MR) return vector_store(cpu, op, f, 16, alignment, &s);
    xmm_set(cpu, op->dst, &s);
    return OUT_OK;
}
BODY(sse_store) {
    BODY_UNUSED;
    return store_whole(cpu, op, F, ALIGNED);
}
INSTANTIATE(sse_store, FAST, FORMS_VECTOR_STORE)
BODY(sse_storeu) {
    BODY_UNUSED;
    return store_whole(cpu, op, F, UNALIGNED);
}
INSTANTIATE(sse_storeu, FAST, FORMS_VECTOR_STORE)

// --- scalars: a register source merges, a memory source clears the rest ---
BODY(sse_load_ss) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), s;
    TRY(xmm_source(cpu, op, F, 4, UNALIGNED, &s));
    if (form_plain(F) == FORM_RM)
        d = s;
    else
        d.u32[0] = s.u32[0];
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_load_ss, FAST, FORMS_VECTOR)

BODY(sse_load_sd) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), s;
    TRY(xmm_source(cpu, op, F, 8, UNALIGNED, &s));
    if (form_plain(F) == FORM_RM)
        d = s;
    else
        d.u64[0] = s.u64[0];
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_load_sd, FAST, FORMS_VECTOR)

BODY(sse_store_ss) {
    BODY_UNUSED;
    union lane d, s = xmm_get(cpu, op->src);
    if (form_plain(F) == FORM_MR) return vector_store(cpu, op, F, 4, UNALIGNED, &s);
    d = xmm_get(cpu, op->dst);
    d.u32[0] = s.u32[0];
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_store_ss, FAST, FORMS_VECTOR_STORE)

BODY(sse_store_sd) {
    BODY_UNUSED;
    union lane d, s = xmm_get(cpu, op->src);
    if (form_plain(F) == FORM_MR) return vector_store(cpu, op, F, 8, UNALIGNED, &s);
    d = xmm_get(cpu, op->dst);
    d.u64[0] = s.u64[0];
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_store_sd, FAST, FORMS_VECTOR_STORE)

// movq: the low quadword, zero-extended to the register whatever its source.
BODY(sse_load_q) {
    BODY_UNUSED;
    union lane s;
    TRY(xmm_source(cpu, op, F, 8, UNALIGNED, &s));
    s.u64[1] = 0;
    xmm_set(cpu, op->dst, &s);
    return OUT_OK;
}
INSTANTIATE(sse_load_q, FAST, FORMS_VECTOR)

BODY(sse_store_q) {
    BODY_UNUSED;
    union lane s = xmm_get(cpu, op->src);
    if (form_plain(F) == FORM_MR) return vector_store(cpu, op, F, 8, UNALIGNED, &s);
    s.u64[1] = 0;
    xmm_set(cpu, op->dst, &s);
    return OUT_OK;
}
INSTANTIATE(sse_store_q, FAST, FORMS_VECTOR_STORE)

// --- halves ---
OPERATION(load_low) { d->u64[0] = s->u64[0]; } // movlps movlpd
SSE_BYTES(load_low, 8)
OPERATION(load_high) { d->u64[1] = s->u64[0]; } // movhps movhpd, movlhps
SSE_BYTES(load_high, 8)
OPERATION(high_to_low) { d->u64[0] = s->u64[1]; } // movhlps
SSE_BYTES(high_to_low, 8)

BODY(sse_store_low) {
    BODY_UNUSED;
    union lane s = xmm_get(cpu, op->src);
    return vector_store(cpu, op, F, 8, UNALIGNED, &s);
}
INSTANTIATE(sse_store_low, FAST, FORMS_MR)

BODY(sse_store_high) {
    BODY_UNUSED;
    union lane s = {.u64 = {xmm_get(cpu, op->src).u64[1], 0}};
    return vector_store(cpu, op, F, 8, UNALIGNED, &s);
}
INSTANTIATE(sse_store_high, FAST, FORMS_MR)

// --- duplicates of SSE3 ---
OPERATION(movddup) { d->u64[0] = d->u64[1] = s->u64[0]; }
SSE_BYTES(movddup, 8)
OPERATION(movsldup) { d->u32[0] = d->u32[1] = s->u32[0], d->u32[2] = d->u32[3] = s->u32[2]; }
SSE(movsldup)
OPERATION(movshdup) { d->u32[0] = d->u32[1] = s->u32[1], d->u32[2] = d->u32[3] = s->u32[3]; }
SSE(movshdup)

// --- general registers ---
ALWAYS_INLINE enum outcome from_general(struct cpu *cpu, const struct op *op, enum form f, unsigned w) {
    union lane v = {.u64 = {0, 0}};
    if (form_plain(f) == FORM_RM)
        TRY(vector_load(cpu, op, f, w / 8, UNALIGNED, &v));
    else
        v.u64[0] = reg_get(cpu, op->src, w);
    xmm_set(cpu, op->dst, &v);
    return OUT_OK;
}
BODY(sse_movd) {
    BODY_UNUSED;
    return from_general(cpu, op, F, 32);
}
INSTANTIATE(sse_movd, FAST, FORMS_VECTOR)
BODY(sse_movq) {
    BODY_UNUSED;
    return from_general(cpu, op, F, 64);
}
INSTANTIATE(sse_movq, FAST, FORMS_VECTOR)

BODY(sse_mov_to_general) {
    union lane s = xmm_get(cpu, op->src);
    if (form_plain(F) == FORM_MR) return vector_store(cpu, op, F, W / 8, UNALIGNED, &s);
    reg_set(cpu, op->dst, W, s.u64[0]);
    return OUT_OK;
}
INSTANTIATE(sse_mov_to_general, FAST, FORMS_VECTOR_TO_RM)

// movnti: a general register to memory.
BODY(movnti) { return destination(cpu, op, F, W, reg_get(cpu, op->src, W)); }
#define FORMS_MOVNTI(X, n) WIDTHS_DWORD(X, n, MR)
INSTANTIATE(movnti, FAST, FORMS_MOVNTI)

// --- sign masks ---
ALWAYS_INLINE unsigned mask_bytes(const union lane *s, unsigned bytes) {
    uint64_t mask = 0;
    for (unsigned i = 0; i < bytes / 8; i++) // the sign bits, gathered by a multiplication that puts them side by side
        mask |= ((s->u64[i] & 0x8080808080808080) * 0x0002040810204081 >> 56) << 8 * i;
    return (unsigned)mask;
}
BODY(sse_pmovmskb) {
    BODY_UNUSED;
    union lane s = xmm_get(cpu, op->src);
    reg_set(cpu, op->dst, 32, mask_bytes(&s, 16));
    return OUT_OK;
}
INSTANTIATE(sse_pmovmskb, FAST, FORMS_RR)

BODY(mmx_pmovmskb) {
    BODY_UNUSED;
    union lane s;
    TRY(mmx_source(cpu, op, F, 8, &s));
    reg_set(cpu, op->dst, 32, mask_bytes(&s, 8));
    return OUT_OK;
}
INSTANTIATE(mmx_pmovmskb, NEXT, FORMS_RR)

BODY(sse_movmskps) {
    BODY_UNUSED;
    union lane s = xmm_get(cpu, op->src);
    uint32_t mask = 0;
    for (unsigned i = 0; i < 4; i++) mask |= s.u32[i] >> 31 << i;
    reg_set(cpu, op->dst, 32, mask);
    return OUT_OK;
}
INSTANTIATE(sse_movmskps, FAST, FORMS_RR)

BODY(sse_movmskpd) {
    BODY_UNUSED;
    union lane s = xmm_get(cpu, op->src);
    reg_set(cpu, op->dst, 32, s.u64[0] >> 63 | s.u64[1] >> 63 << 1);
    return OUT_OK;
}
INSTANTIATE(sse_movmskpd, FAST, FORMS_RR)

// --- MMX registers ---
BODY(sse_movq2dq) {
    BODY_UNUSED;
    union lane s;
    TRY(mmx_source(cpu, op, F, 8, &s));
    xmm_set(cpu, op->dst, &s);
    return OUT_OK;
}
INSTANTIATE(sse_movq2dq, NEXT, FORMS_RR)

BODY(sse_movdq2q) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    union lane s = xmm_get(cpu, op->src);
    mmx_enter(cpu);
    mmx_set(cpu, op->dst, &s);
    return OUT_OK;
}
INSTANTIATE(sse_movdq2q, NEXT, FORMS_RR)

// --- byte-masked stores at DS:rDI. All bytes are one access; a mask of 0 writes nothing and is checked as the others
// are (SDM Vol. 2B, MASKMOVQ, leaves that open; processors of both vendors do). ---
static enum outcome masked_store(struct cpu *cpu, const struct op *op, const union lane *v, const union lane *mask,
                                 unsigned bytes) {
    uint64_t linear = 0, rdi = cpu->gpr[RDI];
    enum outcome outcome = OUT_OK;
    if (!(op->ea & EA_ADDRESS64)) rdi = op->ea & EA_ADDRESS32 ? (uint32_t)rdi : (uint16_t)rdi;
    TRY(segment_linear(cpu, op->ea & EA_SEGMENT, rdi, bytes, true, &linear));
    bool any = false;
    for (unsigned i = 0; i < bytes; i++) any |= mask->u8[i] >> 7;
    if (!any) {
        TRY(store_probe(cpu, linear, bytes));
        return memory_alignment(cpu, linear, bytes);
    }
    uint8_t *p = memory_write(cpu, linear, bytes, true, &outcome);
    if (unlikely(!p)) return outcome;
    for (unsigned i = 0; i < bytes; i++)
        if (mask->u8[i] >> 7) p[i] = v->u8[i];
    return p == cpu->bounce.data ? memory_commit(cpu, bytes) : OUT_OK;
}
BODY(sse_maskmovdqu) {
    BODY_UNUSED;
    union lane v = xmm_get(cpu, op->dst), mask = xmm_get(cpu, op->src);
    return masked_store(cpu, op, &v, &mask, 16);
}
INSTANTIATE(sse_maskmovdqu, NEXT, FORMS_ONE_NONE)

BODY(mmx_maskmovq) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    union lane v = mmx_get(cpu, op->dst), mask = mmx_get(cpu, op->src);
    enum outcome outcome = masked_store(cpu, op, &v, &mask, 8);
    if (outcome != OUT_SOLO) mmx_enter(cpu); // also when it faults, as of all MMX stores
    return outcome;
}
INSTANTIATE(mmx_maskmovq, NEXT, FORMS_ONE_NONE)
