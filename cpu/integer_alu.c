// Addition, subtraction, logic and comparison, with their exchanging and comparing forms; instructions on the flags.
// SDM Vol. 2. LOCK needs nothing: processors take turns between instructions.
#include "cpu/body.h"

// An operation on two operands with its flags; a destination in memory is written before the flags change.
#define ALU(name, operation, set_flags, effect)                                                                        \
    BODY(name) {                                                                                                       \
        uint64_t a = 0, b = 0;                                                                                         \
        struct place p;                                                                                                \
        TRY(source(cpu, op, F, W, &b));                                                                                \
        TRY(place_open(cpu, op, F, W, &p, &a));                                                                        \
        uint64_t r = (operation)&MASK(W);                                                                              \
        TRY(place_set(cpu, F, W, &p, r));                                                                              \
        if (!(F & FORM_QUIET)) set_flags;                                                                              \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE_FLAGS(name, QUIET, FORMS_ALU, effect)

ALU(add, a + b, flags_add(&cpu->flags, a, b, r, W), FLAGS_ALL)
ALU(adc, a + b + flags_cf(&cpu->flags), flags_add(&cpu->flags, a, b, r, W), FLAGS_UNKNOWN)
ALU(sub, a - b, flags_sub(&cpu->flags, a, b, r, W), FLAGS_ALL)
ALU(sbb, a - b - flags_cf(&cpu->flags), flags_sub(&cpu->flags, a, b, r, W), FLAGS_UNKNOWN)
ALU(and, a &b, flags_logic(&cpu->flags, r, W), FLAGS_ALL)
ALU(or, a | b, flags_logic(&cpu->flags, r, W), FLAGS_ALL)
ALU(xor, a ^ b, flags_logic(&cpu->flags, r, W), FLAGS_ALL)

// The first operand where it is only read.
ALWAYS_INLINE enum outcome first_source(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t *v) {
    if (form_dst_memory(f)) return operand_load(cpu, op, f, w, v);
    *v = reg_get(cpu, op->dst, w);
    return OUT_OK;
}

BODY(cmp) {
    uint64_t a = 0, b = 0;
    TRY(source(cpu, op, F, W, &b));
    TRY(first_source(cpu, op, F, W, &a));
    flags_sub(&cpu->flags, a, b, (a - b) & MASK(W), W);
    return OUT_OK;
}
INSTANTIATE_FLAGS(cmp, FAST, FORMS_ALU, FLAGS_ALL)

BODY(test) {
    uint64_t a = 0, b = 0;
    TRY(source(cpu, op, F, W, &b));
    TRY(first_source(cpu, op, F, W, &a));
    flags_logic(&cpu->flags, a & b, W);
    return OUT_OK;
}
INSTANTIATE_FLAGS(test, FAST, FORMS_ALU, FLAGS_ALL)

// The only operand, read and written: FORM_R or FORM_M.
ALWAYS_INLINE enum form unary_form(enum form f) {
    return (enum form)((form_plain(f) == FORM_M ? FORM_MR : FORM_RR) | (f & FORM_BITS));
}

#define UNARY(name, operation, set_flags, effect)                                                                      \
    BODY(name) {                                                                                                       \
        uint64_t a = 0;                                                                                                \
        struct place p;                                                                                                \
        TRY(place_open(cpu, op, unary_form(F), W, &p, &a));                                                            \
        uint64_t r = (operation)&MASK(W);                                                                              \
        TRY(place_set(cpu, unary_form(F), W, &p, r));                                                                  \
        if (!(F & FORM_QUIET)) set_flags;                                                                              \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE_FLAGS(name, QUIET, FORMS_UNARY, effect)

// CF stays. OF and AF are those of an addition of 1.
ALWAYS_INLINE void flags_inc(struct flags *f, uint64_t a, uint64_t r, unsigned w) {
    bool cf = flags_cf(f);
    flags_add(f, a, 1, r, w);
    flags_set_cf(f, cf);
}
ALWAYS_INLINE void flags_dec(struct flags *f, uint64_t a, uint64_t r, unsigned w) {
    bool cf = flags_cf(f);
    flags_sub(f, a, 1, r, w);
    flags_set_cf(f, cf);
}
UNARY(inc, a + 1, flags_inc(&cpu->flags, a, r, W), FLAGS_SOME)
UNARY(dec, a - 1, flags_dec(&cpu->flags, a, r, W), FLAGS_SOME)
UNARY(neg, 0 - a, flags_sub(&cpu->flags, 0, a, r, W), FLAGS_ALL)
UNARY(not, ~a, (void)0, FLAGS_NONE)

#define FORMS_EXCHANGE(X, n) WIDTHS_ALL(X, n, RR) WIDTHS_ALL(X, n, MR)

// The source register is written first: with the same register twice the sum stays.
BODY(xadd) {
    uint64_t a = 0, b = reg_get(cpu, op->src, W);
    struct place p;
    TRY(place_open(cpu, op, F, W, &p, &a));
    uint64_t r = (a + b) & MASK(W);
    if (F == FORM_RR) reg_set(cpu, op->src, W, a);
    TRY(place_set(cpu, F, W, &p, r));
    if (F == FORM_MR) reg_set(cpu, op->src, W, a);
    flags_add(&cpu->flags, a, b, r, W);
    return OUT_OK;
}
INSTANTIATE(xadd, NEXT, FORMS_EXCHANGE)

// The destination is written whatever the comparison said; a 32-bit accumulator keeps its upper half on equality, a
// 32-bit destination register its upper half on difference.
BODY(cmpxchg) {
    uint64_t a = 0, accumulator = reg_get(cpu, RAX * 8, W);
    struct place p;
    TRY(place_open(cpu, op, F, W, &p, &a));
    bool equal = a == accumulator;
    if (equal || F == FORM_MR) TRY(place_set(cpu, F, W, &p, equal ? reg_get(cpu, op->src, W) : a));
    if (!equal) reg_set(cpu, RAX * 8, W, a);
    flags_sub(&cpu->flags, accumulator, a, (accumulator - a) & MASK(W), W);
    return OUT_OK;
}
INSTANTIATE(cmpxchg, NEXT, FORMS_EXCHANGE)

BODY(cmpxchg8b) {
    (void)W;
    uint64_t a = 0, expected = (uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32;
    struct place p;
    TRY(place_open(cpu, op, unary_form(F), 64, &p, &a));
    bool equal = a == expected;
    uint64_t desired = (uint32_t)cpu->gpr[RBX] | cpu->gpr[RCX] << 32;
    TRY(place_set(cpu, unary_form(F), 64, &p, equal ? desired : a));
    if (!equal) {
        cpu->gpr[RAX] = (uint32_t)a;
        cpu->gpr[RDX] = a >> 32;
    }
    flags_set_zf(&cpu->flags, equal);
    return OUT_OK;
}
#define FORMS_M64(X, n) X(n, M, 64)
INSTANTIATE(cmpxchg8b, NEXT, FORMS_M64)

BODY(cmpxchg16b) {
    (void)F, (void)W;
    uint64_t linear = 0, v[2];
    enum outcome outcome;
    TRY(op_linear(cpu, op, 16, true, &linear));
    if (linear & 15) return cpu_fault_gp0(cpu);
    void *p = memory_write(cpu, linear, 16, true, &outcome);
    if (!p) return outcome;
    memcpy(v, p, 16);
    bool equal = v[0] == cpu->gpr[RAX] && v[1] == cpu->gpr[RDX];
    if (equal) memcpy(p, (uint64_t[2]){cpu->gpr[RBX], cpu->gpr[RCX]}, 16);
    if (p == cpu->bounce) TRY(memory_commit(cpu, 16));
    if (!equal) {
        cpu->gpr[RAX] = v[0];
        cpu->gpr[RDX] = v[1];
    }
    flags_set_zf(&cpu->flags, equal);
    return OUT_OK;
}
INSTANTIATE(cmpxchg16b, NEXT, FORMS_M64)

// --- instructions on the flags ---

#define FLAG_INSTRUCTION(name, statement)                                                                              \
    BODY(name) {                                                                                                       \
        BODY_UNUSED;                                                                                                   \
        statement;                                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_ONE_NONE)

FLAG_INSTRUCTION(clc, flags_set_cf(&cpu->flags, false))
FLAG_INSTRUCTION(stc, flags_set_cf(&cpu->flags, true))
FLAG_INSTRUCTION(cmc, flags_set_cf(&cpu->flags, !flags_cf(&cpu->flags)))
FLAG_INSTRUCTION(cld, cpu->rflags &= ~FLAG_DF)
FLAG_INSTRUCTION(std, cpu->rflags |= FLAG_DF)

#define FLAGS_AH (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF)
FLAG_INSTRUCTION(lahf, reg_set(cpu, RAX * 8 + 1, 8, (cpu_rflags(cpu) & FLAGS_AH) | BIT(1)))
FLAG_INSTRUCTION(sahf,
                 flags_set(&cpu->flags, (flags_get(&cpu->flags) & FLAG_OF) | (reg_get(cpu, RAX * 8 + 1, 8) & FLAGS_AH)))

// ADCX and ADOX: additions that carry through one flag and leave the others alone.
BODY(adcx) {
    uint64_t b = 0, a = reg_get(cpu, op->dst, W);
    TRY(source(cpu, op, F, W, &b));
    uint64_t r = (a + b + flags_cf(&cpu->flags)) & MASK(W);
    reg_set(cpu, op->dst, W, r);
    flags_set_cf(&cpu->flags, ((a & b) | ((a | b) & ~r)) >> (W - 1) & 1);
    return OUT_OK;
}
INSTANTIATE(adcx, NEXT, FORMS_REG_RM_DWORD)

BODY(adox) {
    uint64_t b = 0, a = reg_get(cpu, op->dst, W);
    TRY(source(cpu, op, F, W, &b));
    uint64_t r = (a + b + flags_of(&cpu->flags)) & MASK(W);
    reg_set(cpu, op->dst, W, r);
    flags_set_cf_of(&cpu->flags, flags_cf(&cpu->flags), ((a & b) | ((a | b) & ~r)) >> (W - 1) & 1);
    return OUT_OK;
}
INSTANTIATE(adox, NEXT, FORMS_REG_RM_DWORD)
