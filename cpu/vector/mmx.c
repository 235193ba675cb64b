// MMX: moves and EMMS; the arithmetic shares its operations with SSE (cpu/vector/sse_integer.c and others). SDM Vol. 1,
// chapter 9. An MMX register is the significand of an x87 register; writing it sets the sign and exponent to ones.
#include "cpu/vector/vector.h"

ALWAYS_INLINE enum outcome load_general(struct cpu *cpu, const struct op *op, enum form f, unsigned w) {
    union lane v = {.u64 = {reg_get(cpu, op->src, w), 0}};
    TRY(x87_wait(cpu));
    if (f == FORM_RM) TRY(vector_load(cpu, op, f, w / 8, UNALIGNED, &v));
    mmx_enter(cpu);
    mmx_set(cpu, op->dst, &v);
    return OUT_OK;
}
BODY(mmx_movd) {
    BODY_UNUSED;
    return load_general(cpu, op, F, 32);
}
INSTANTIATE(mmx_movd, NEXT, FORMS_VECTOR)
BODY(mmx_movq_general) {
    BODY_UNUSED;
    return load_general(cpu, op, F, 64);
}
INSTANTIATE(mmx_movq_general, NEXT, FORMS_VECTOR)

// A store that faults has done to the x87 state what the instruction does to it (a habit of Intel's processors; AMD's
// leave TOP and the tags).
ALWAYS_INLINE enum outcome mmx_store(struct cpu *cpu, const struct op *op, unsigned bytes, const union lane *v) {
    enum outcome outcome = vector_store(cpu, op, FORM_MR, bytes, UNALIGNED, v);
    if (outcome != OUT_SOLO) mmx_enter(cpu);
    return outcome;
}

BODY(mmx_mov_to_general) {
    TRY(x87_wait(cpu));
    union lane s = mmx_get(cpu, op->src);
    if (F == FORM_MR) return mmx_store(cpu, op, W / 8, &s);
    reg_set(cpu, op->dst, W, s.u64[0] & MASK(W));
    mmx_enter(cpu);
    return OUT_OK;
}
INSTANTIATE(mmx_mov_to_general, NEXT, FORMS_VECTOR_TO_RM)

OPERATION(movq) { *d = *s; }
MMX(movq)

BODY(mmx_movq_store) { // also movntq
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    union lane s = mmx_get(cpu, op->src);
    if (F == FORM_MR) return mmx_store(cpu, op, 8, &s);
    mmx_set(cpu, op->dst, &s);
    mmx_enter(cpu);
    return OUT_OK;
}
INSTANTIATE(mmx_movq_store, NEXT, FORMS_VECTOR_STORE)

BODY(emms) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    mmx_enter(cpu); // TOP becomes 0 as with the others
    cpu->fpu.x87.empty = 0xff;
    return OUT_OK;
}
INSTANTIATE(emms, NEXT, FORMS_ONE_NONE)
