// Data movement: MOV and its extending and conditional kin, LEA, XCHG, BSWAP, MOVBE, XLAT, SETcc. SDM Vol. 2.
#include "cpu/state/condition.h"
#include "cpu/integer/integer_body.h"

INSTANTIATE_FLAGS(mov, FAST, FORMS_ALU, FLAGS_NONE)

#define FORMS_MOV_WIDE(X, n) WIDTHS_WORD(X, n, RI)
INSTANTIATE_FLAGS(mov_wide, NEXT, FORMS_MOV_WIDE, FLAGS_NONE)

INSTANTIATE_FLAGS(movzx_byte, FAST, FORMS_REG_RM, FLAGS_NONE)
INSTANTIATE_FLAGS(movzx_word, FAST, FORMS_REG_RM, FLAGS_NONE)
INSTANTIATE_FLAGS(movsx_byte, FAST, FORMS_REG_RM, FLAGS_NONE)
INSTANTIATE_FLAGS(movsx_word, FAST, FORMS_REG_RM, FLAGS_NONE)
INSTANTIATE_FLAGS(movsxd, FAST, FORMS_REG_RM, FLAGS_NONE)

#define FORMS_LEA(X, n) WIDTHS_WORD(X, n, RM)
INSTANTIATE_FLAGS(lea, NEXT, FORMS_LEA, FLAGS_ADDRESS)

BODY(xchg) {
    uint64_t a = 0, b = reg_get(cpu, op->src, W);
    struct target p;
    TRY(target_open(cpu, op, F, W, &p, &a));
    TRY(target_set(cpu, F, W, &p, b));
    reg_set(cpu, op->src, W, a);
    return OUT_OK;
}
#define FORMS_XCHG(X, n) WIDTHS_ALL(X, n, RR) WIDTHS_ALL(X, n, MR)
INSTANTIATE(xchg, FAST, FORMS_XCHG)

ALWAYS_INLINE uint64_t swap_bytes(uint64_t v, unsigned w) { return __builtin_bswap64(v) >> (64 - w); }

// With a 16-bit operand the result is undefined; silicon clears the register's low 16 bits.
BODY(bswap) {
    (void)F;
    reg_set(cpu, op->dst, W, W == 16 ? 0 : swap_bytes(reg_get(cpu, op->dst, W), W));
    return OUT_OK;
}
#define FORMS_BSWAP(X, n) WIDTHS_WORD(X, n, R)
INSTANTIATE_FLAGS(bswap, NEXT, FORMS_BSWAP, FLAGS_NONE)

BODY(movbe) {
    uint64_t v = 0;
    TRY(source(cpu, op, F, W, &v));
    return destination(cpu, op, F, W, swap_bytes(v, W));
}
#define FORMS_MOVBE(X, n) WIDTHS_WORD(X, n, RM) WIDTHS_WORD(X, n, MR)
INSTANTIATE(movbe, FAST, FORMS_MOVBE)

// CBW, CWDE, CDQE.
BODY(cbw) {
    BODY_UNUSED;
    const uint8_t rax = RAX * 8;
    reg_set(cpu, rax, W, flags_extend(reg_get(cpu, rax, W / 2), W / 2));
    return OUT_OK;
}
#define FORMS_NONE_WORD(X, n) WIDTHS_WORD(X, n, NONE)
INSTANTIATE_FLAGS(cbw, NEXT, FORMS_NONE_WORD, FLAGS_NONE)

// CWD, CDQ, CQO.
BODY(cwd) {
    BODY_UNUSED;
    reg_set(cpu, RDX * 8, W, flags_extend(reg_get(cpu, RAX * 8, W), W) >> 63 ? MASK(W) : 0);
    return OUT_OK;
}
INSTANTIATE_FLAGS(cwd, NEXT, FORMS_NONE_WORD, FLAGS_NONE)

BODY(xlat) {
    BODY_UNUSED;
    uint64_t offset = cpu->gpr[RBX] + (cpu->gpr[RAX] & 0xff), linear = 0, v = 0;
    if (!(op->ea & EA_ADDRESS64)) offset = op->ea & EA_ADDRESS32 ? (uint32_t)offset : (uint16_t)offset;
    TRY(segment_linear(cpu, op->ea & EA_SEGMENT, offset, 1, false, &linear));
    TRY(load(cpu, linear, 8, &v));
    reg_set(cpu, RAX * 8, 8, v);
    return OUT_OK;
}
INSTANTIATE(xlat, NEXT, FORMS_ONE_NONE)

// The source is read, and may fault, whatever the condition; a 32-bit destination is zero-extended either way.
#define CMOV(cc, number)                                                                                               \
    BODY(cmov##cc) {                                                                                                   \
        uint64_t v = 0;                                                                                                \
        TRY(source(cpu, op, F, W, &v));                                                                                \
        if (!flags_condition(&cpu->flags, number)) v = reg_get(cpu, op->dst, W);                                       \
        reg_set(cpu, op->dst, W, v);                                                                                   \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(cmov##cc, FAST, FORMS_REG_RM)
CONDITIONS(CMOV)

#define FORMS_SET(X, n) WIDTHS_BYTE(X, n, R) WIDTHS_BYTE(X, n, M)
ALWAYS_INLINE enum outcome set_byte(struct cpu *cpu, const struct op *op, enum form f, bool v) {
    if (form_plain(f) == FORM_R) {
        reg_set(cpu, op->dst, 8, v);
        return OUT_OK;
    }
    return destination(cpu, op, f, 8, v);
}
#define SET(cc, number)                                                                                                \
    BODY(set##cc) {                                                                                                    \
        (void)W;                                                                                                       \
        return set_byte(cpu, op, F, flags_condition(&cpu->flags, number));                                             \
    }                                                                                                                  \
    INSTANTIATE(set##cc, FAST, FORMS_SET)
CONDITIONS(SET)

// Undocumented, present in every processor: AL = CF ? FFH : 0.
BODY(salc) {
    BODY_UNUSED;
    reg_set(cpu, RAX * 8, 8, flags_cf(&cpu->flags) ? 0xff : 0);
    return OUT_OK;
}
INSTANTIATE(salc, NEXT, FORMS_ONE_NONE)
