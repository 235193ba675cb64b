// Addition, subtraction, logic and comparison, with their exchanging and comparing forms; instructions on the flags.
// SDM Vol. 2. LOCK needs nothing: processors take turns between instructions.
#include "cpu/integer/integer_body.h"

INSTANTIATE_FLAGS(add, QUIET, FORMS_ALU, FLAGS_ALL)
INSTANTIATE_FLAGS(adc, QUIET, FORMS_ALU, FLAGS_UNKNOWN)
INSTANTIATE_FLAGS(sub, QUIET, FORMS_ALU, FLAGS_ALL)
INSTANTIATE_FLAGS(sbb, QUIET, FORMS_ALU, FLAGS_UNKNOWN)
INSTANTIATE_FLAGS(and, QUIET, FORMS_ALU, FLAGS_ALL)
INSTANTIATE_FLAGS(or, QUIET, FORMS_ALU, FLAGS_ALL)
INSTANTIATE_FLAGS(xor, QUIET, FORMS_ALU, FLAGS_ALL)

INSTANTIATE_FLAGS(cmp, FAST, FORMS_ALU, FLAGS_ALL)

INSTANTIATE_FLAGS(test, FAST, FORMS_ALU, FLAGS_ALL)

INSTANTIATE_FLAGS(inc, QUIET, FORMS_UNARY, FLAGS_SOME)
INSTANTIATE_FLAGS(dec, QUIET, FORMS_UNARY, FLAGS_SOME)
INSTANTIATE_FLAGS(neg, QUIET, FORMS_UNARY, FLAGS_ALL)
INSTANTIATE_FLAGS(not, QUIET, FORMS_UNARY, FLAGS_NONE)

#define FORMS_EXCHANGE(X, n) WIDTHS_ALL(X, n, RR) WIDTHS_ALL(X, n, MR)

// The source register is written first: with the same register twice the sum stays.
BODY(xadd) {
    uint64_t a = 0, b = reg_get(cpu, op->src, W);
    struct target p;
    TRY(target_open(cpu, op, F, W, &p, &a));
    uint64_t r = (a + b) & MASK(W);
    if (form_plain(F) == FORM_RR) reg_set(cpu, op->src, W, a);
    TRY(target_set(cpu, F, W, &p, r));
    if (form_plain(F) == FORM_MR) reg_set(cpu, op->src, W, a);
    flags_add(&cpu->flags, a, b, r, W);
    return OUT_OK;
}
INSTANTIATE(xadd, FAST, FORMS_EXCHANGE)

// The destination is written whatever the comparison said; a 32-bit accumulator keeps its upper half on equality, a
// 32-bit destination register its upper half on difference.
BODY(cmpxchg) {
    uint64_t a = 0, accumulator = reg_get(cpu, RAX * 8, W);
    struct target p;
    TRY(target_open(cpu, op, F, W, &p, &a));
    bool equal = a == accumulator;
    if (equal || form_plain(F) == FORM_MR) TRY(target_set(cpu, F, W, &p, equal ? reg_get(cpu, op->src, W) : a));
    if (!equal) reg_set(cpu, RAX * 8, W, a);
    flags_sub(&cpu->flags, accumulator, a, (accumulator - a) & MASK(W), W);
    return OUT_OK;
}
INSTANTIATE(cmpxchg, FAST, FORMS_EXCHANGE)

BODY(cmpxchg8b) {
    (void)W;
    uint64_t a = 0, expected = (uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32;
    struct target p;
    TRY(target_open(cpu, op, unary_form(F), 64, &p, &a));
    bool equal = a == expected;
    uint64_t desired = (uint32_t)cpu->gpr[RBX] | cpu->gpr[RCX] << 32;
    TRY(target_set(cpu, unary_form(F), 64, &p, equal ? desired : a));
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
    if (p == cpu->bounce.data) TRY(memory_commit(cpu, 16));
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
