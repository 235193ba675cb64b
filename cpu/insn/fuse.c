// Comparisons and the conditional branches that end their blocks, as one record: the comparison's. The branch's record
// stays behind it, for runs that stop between the two. 64-bit code only.
#include "cpu/engine/body.h"
#include "cpu/state/condition.h"
#include "cpu/engine/run.h"
#include "cpu/insn/combine.h"

extern const struct body body_cmp, body_test;
#define EXTERN(cc, number) extern const struct body body_j##cc;
CONDITIONS(EXTERN)

ALWAYS_INLINE void flags_cmp(struct flags *f, uint64_t a, uint64_t b, unsigned w) {
    flags_sub(f, a, b, (a - b) & MASK(w), w);
}
ALWAYS_INLINE void flags_test(struct flags *f, uint64_t a, uint64_t b, unsigned w) { flags_logic(f, a & b, w); }

// The first operand; false: its memory is not in the fast TLB.
ALWAYS_INLINE bool first_operand(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t *v) {
    if (f != FORM_MI_BASED) {
        *v = reg_get(cpu, op->dst, w);
        return true;
    }
    return operand_load(cpu, op, (enum form)(FORM_MI | FORM_FAST | FORM_BASED), w, v) == OUT_OK;
}
ALWAYS_INLINE uint64_t second_operand(const struct cpu *cpu, const struct op *op, enum form f, unsigned w) {
    return f == FORM_RR ? reg_get(cpu, op->src, w) : (uint64_t)(int64_t)op->imm & MASK(w);
}

#define FUSED(what, f, w, cc, number)                                                                                  \
    static enum outcome what##_##f##_##w##_j##cc(struct cpu *cpu, const struct op *op) {                               \
        uint64_t a = 0;                                                                                                \
        if (unlikely(!first_operand(cpu, op, FORM_##f, w, &a))) TAIL body_##what.fn[FORM_##f][WIDTH_##w](cpu, op);     \
        flags_##what(&cpu->flags, a, second_operand(cpu, op, FORM_##f, w), w);                                         \
        FOLLOW_EITHER(cpu, op + 1, flags_condition(&cpu->flags, number));                                              \
    }
#define FUSED_ROW(what, f, w, cc, number) [number] = what##_##f##_##w##_j##cc,

// The conditions that follow each of the two.
// clang-format off
#define AFTER_CMP(X, f, w)                                                                                             \
    X(cmp, f, w, b, 2)                                                                                                 \
    X(cmp, f, w, ae, 3) X(cmp, f, w, e, 4) X(cmp, f, w, ne, 5) X(cmp, f, w, be, 6) X(cmp, f, w, a, 7)                  \
        X(cmp, f, w, l, 12) X(cmp, f, w, ge, 13) X(cmp, f, w, le, 14) X(cmp, f, w, g, 15)
#define AFTER_TEST(X, f, w)                                                                                            \
    X(test, f, w, e, 4)                                                                                                \
    X(test, f, w, ne, 5) X(test, f, w, s, 8) X(test, f, w, ns, 9) X(test, f, w, le, 14) X(test, f, w, g, 15)
// clang-format on

// Which forms and widths: those that occur often.
// clang-format off
#define PAIRS(X)                                                                                                       \
    X(cmp, CMP, RR, 8)                                                                                                 \
    X(cmp, CMP, RR, 32) X(cmp, CMP, RR, 64) X(cmp, CMP, RI, 8) X(cmp, CMP, RI, 32) X(cmp, CMP, RI, 64)                 \
        X(cmp, CMP, MI_BASED, 8) X(cmp, CMP, MI_BASED, 32) X(cmp, CMP, MI_BASED, 64) X(test, TEST, RR, 8)              \
            X(test, TEST, RR, 32) X(test, TEST, RR, 64) X(test, TEST, RI, 8) X(test, TEST, RI, 32)                     \
                X(test, TEST, MI_BASED, 8) X(test, TEST, MI_BASED, 32)
// clang-format on

#define DEFINE(what, WHAT, f, w) AFTER_##WHAT(FUSED, f, w)
PAIRS(DEFINE)

#ifdef VMXRAY_STENCIL
#define FUSED_STENCIL(what, f, w, cc, number)                                                                          \
    STENCIL st__##what##__##f##__##w##__j##cc(struct cpu *cpu) {                                                       \
        const struct op op = STENCIL_OP, branch = STENCIL_OP2;                                                         \
        uint64_t a = 0;                                                                                                \
        if (unlikely(!first_operand(cpu, &op, FORM_##f, w, &a))) return way_miss(cpu);                                 \
        flags_##what(&cpu->flags, a, second_operand(cpu, &op, FORM_##f, w), w);                                        \
        FOLLOW_EITHER(cpu, &branch, flags_condition(&cpu->flags, number));                                             \
    }
#define STENCILS(what, WHAT, f, w) AFTER_##WHAT(FUSED_STENCIL, f, w)
PAIRS(STENCILS)
#endif

static const struct pair {
    const struct body *body;
    uint8_t form, width;
    op_fn *fn[16];
} pairs[] = {
#define ROW(what, WHAT, f, w) {&body_##what, FORM_##f, WIDTH_##w, {AFTER_##WHAT(FUSED_ROW, f, w)}},
    PAIRS(ROW)
#undef ROW
};

static const struct body *const branches[16] = {
#define ROW(cc, number) [number] = &body_j##cc,
    CONDITIONS(ROW)
#undef ROW
};

op_fn *fused_body(const struct body *first, unsigned form, unsigned width, const struct body *branch) {
    unsigned cc = 0;
    while (cc < 16 && branch != branches[cc]) cc++;
    if (cc == 16) return NULL;
    for (const struct pair *p = pairs; p < pairs + sizeof pairs / sizeof *pairs; p++)
        // cppcheck-suppress CastIntegerToAddressAtReturn ; fn holds functions
        if (p->body == first && p->form == form && p->width == width) return p->fn[cc];
    return NULL;
}

op_fn *fused(const struct bound *first, const struct bound *branch) {
    if (branch->width != W64 || (first->body != &body_cmp && first->body != &body_test)) return NULL;
    return fused_body(first->body, first->form, first->width, branch->body);
}
