// MUL, IMUL, DIV, IDIV, MULX. SDM Vol. 2.
// Undefined flags as on Intel silicon: after multiplications SF and PF follow the low half of the result, ZF and AF are
// clear; divisions leave all flags as they were.
#include "cpu/integer/integer_body.h"

// The register pair of width w: AX for bytes, DX:AX and so on.
ALWAYS_INLINE void pair_set(struct cpu *cpu, unsigned w, u128 v) {
    if (w == 8) {
        reg_set(cpu, RAX * 8, 16, (uint16_t)v);
        return;
    }
    reg_set(cpu, RAX * 8, w, (uint64_t)v & MASK(w));
    reg_set(cpu, RDX * 8, w, (uint64_t)(v >> w) & MASK(w));
}
ALWAYS_INLINE u128 pair_get(const struct cpu *cpu, unsigned w) {
    if (w == 8) return reg_get(cpu, RAX * 8, 16);
    return (u128)reg_get(cpu, RDX * 8, w) << w | reg_get(cpu, RAX * 8, w);
}
BODY(mul) {
    uint64_t b = 0;
    TRY(source(cpu, op, F, W, &b));
    u128 r = (u128)reg_get(cpu, RAX * 8, W) * b;
    pair_set(cpu, W, r);
    flags_product(&cpu->flags, (uint64_t)r, r >> W != 0, W);
    return OUT_OK;
}
INSTANTIATE(mul, FAST, FORMS_UNARY)

BODY(imul_wide) {
    uint64_t b = 0;
    TRY(source(cpu, op, F, W, &b));
    s128 r = extended(reg_get(cpu, RAX * 8, W), W) * extended(b, W);
    pair_set(cpu, W, (u128)r);
    flags_product(&cpu->flags, (uint64_t)r, r != extended((uint64_t)r & MASK(W), W), W);
    return OUT_OK;
}
INSTANTIATE(imul_wide, FAST, FORMS_UNARY)

INSTANTIATE_FLAGS(imul, QUIET, FORMS_REG_RM, FLAGS_ALL)

BODY(imul_immediate) {
    uint64_t b = 0;
    TRY(source(cpu, op, F, W, &b));
    imul_into(cpu, op, F, W, (uint64_t)(int64_t)op->imm & MASK(W), b);
    return OUT_OK;
}
INSTANTIATE_FLAGS(imul_immediate, QUIET, FORMS_REG_RM, FLAGS_ALL)

ALWAYS_INLINE void quotient_set(struct cpu *cpu, unsigned w, uint64_t quotient, uint64_t remainder) {
    reg_set(cpu, RAX * 8, w, quotient & MASK(w));
    reg_set(cpu, w == 8 ? RAX * 8 + 1 : RDX * 8, w, remainder & MASK(w));
}

BODY(div) {
    uint64_t b = 0;
    TRY(source(cpu, op, F, W, &b));
    u128 a = pair_get(cpu, W);
    if (b == 0 || (uint64_t)(a >> W) >= b) return cpu_fault(cpu, VECTOR_DE); // the quotient does not fit
    if (W < 64 || a >> 64 == 0)
        quotient_set(cpu, W, (uint64_t)a / b, (uint64_t)a % b);
    else
        quotient_set(cpu, W, (uint64_t)(a / b), (uint64_t)(a % b));
    return OUT_OK;
}
INSTANTIATE(div, NEXT, FORMS_UNARY)

BODY(idiv) {
    uint64_t v = 0;
    TRY(source(cpu, op, F, W, &v));
    s128 b = extended(v, W);
    u128 pair = pair_get(cpu, W);
    s128 a = W == 64 ? (s128)pair : (s128)(int64_t)flags_extend((uint64_t)pair, W == 64 ? 64 : 2 * W);
    if (b == 0 || (b == -1 && pair == (u128)1 << (2 * W - 1))) return cpu_fault(cpu, VECTOR_DE);
    bool small = W < 64 || a == (int64_t)a;
    s128 q = small ? b == -1 ? -a : (s128)((int64_t)a / (int64_t)b) : a / b;
    if (q != extended((uint64_t)q & MASK(W), W)) return cpu_fault(cpu, VECTOR_DE);
    quotient_set(cpu, W, (uint64_t)q, (uint64_t)(a - q * b));
    return OUT_OK;
}
INSTANTIATE(idiv, NEXT, FORMS_UNARY)

// The high half is written last: it stays when both destinations are the same.
BODY(mulx) {
    uint64_t b = 0;
    if (F == FORM_RRR)
        b = reg_get(cpu, op->base, W);
    else
        TRY(source(cpu, op, FORM_RM, W, &b));
    u128 r = (u128)reg_get(cpu, RDX * 8, W) * b;
    reg_set(cpu, op->src, W, (uint64_t)r & MASK(W));
    reg_set(cpu, op->dst, W, (uint64_t)(r >> W) & MASK(W));
    return OUT_OK;
}
INSTANTIATE(mulx, NEXT, FORMS_VEX_RM)
