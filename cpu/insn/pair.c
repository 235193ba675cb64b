// Two instructions as one record: the first one's. The second's stays behind it, for stops between the two, and for
// what the pair leaves to it: an access that is not in the fast TLB goes by the handlers of single instructions.
#include "cpu/branch/branch_body.h"
#include "cpu/state/condition.h"
#include "cpu/integer/integer_body.h"
#include "cpu/engine/run.h"
#include "cpu/insn/combine.h"

// Which instances may stand in a pair: each as an inline function, and by what handler it goes alone.
#define PIECE(piece, name, f, w, bits, row)                                                                            \
    extern const struct body body_##name;                                                                              \
    ALWAYS_INLINE enum outcome piece##_fast(struct cpu *cpu, const struct op *op) {                                    \
        return name##_inline(cpu, op, (enum form)(FORM_##f | FORM_FAST | (bits)), w);                                  \
    }                                                                                                                  \
    ALWAYS_INLINE op_fn *piece##_alone(void) { return body_##name.fn[row][WIDTH_##w]; }
#include "cpu/insn/pair.def"

#define PAIR(first, second, millions)                                                                                  \
    static enum outcome first##_##second(struct cpu *cpu, const struct op *op) {                                       \
        if (unlikely(first##_fast(cpu, op) != OUT_OK)) TAIL first##_alone()(cpu, op);                                  \
        op++;                                                                                                          \
        if (unlikely(second##_fast(cpu, op) != OUT_OK)) TAIL second##_alone()(cpu, op);                                \
        FOLLOW_NEXT(cpu, op);                                                                                          \
    }
#include "cpu/insn/pair.def"

// What ends a block.
extern const struct body body_ret, body_call, body_jmp;
#define LAST_ret(cpu, op)                                                                                              \
    if (unlikely(ret_inline(cpu, op, (enum form)(FORM_NONE | FORM_FAST), 64) != OUT_OK))                               \
        TAIL body_ret.fn[FORM_NONE][W64](cpu, op);                                                                     \
    FOLLOW_RETURN(cpu, op)
#define LAST_call(cpu, op)                                                                                             \
    if (unlikely(call_inline(cpu, op, (enum form)(FORM_I | FORM_FAST), 64) != OUT_OK))                                 \
        TAIL body_call.fn[FORM_I][W64](cpu, op);                                                                       \
    call_noted(cpu);                                                                                                   \
    FOLLOW_FAR(cpu, op)
#define LAST_jmp(cpu, op)                                                                                              \
    cpu->rip += (uint64_t)op->disp;                                                                                    \
    FOLLOW_FAR(cpu, op)
#define JUMP_IF(cc, number) extern const struct body body_j##cc;
#define NUMBER(cc, number) IF_##cc = (number),
CONDITIONS(JUMP_IF)
enum { CONDITIONS(NUMBER) };
#define LAST_je(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_e))
#define LAST_jne(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_ne))
#define LAST_jb(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_b))
#define LAST_jae(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_ae))
#define LAST_jbe(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_be))
#define LAST_ja(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_a))
#define LAST_js(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_s))
#define LAST_jns(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_ns))
#define LAST_jl(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_l))
#define LAST_jge(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_ge))
#define LAST_jle(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_le))
#define LAST_jg(cpu, op) FOLLOW_EITHER(cpu, op, flags_condition(&cpu->flags, IF_g))

#define ENDING(first, last, millions)                                                                                  \
    static enum outcome first##_##last(struct cpu *cpu, const struct op *op) {                                         \
        if (unlikely(first##_fast(cpu, op) != OUT_OK)) TAIL first##_alone()(cpu, op);                                  \
        op++;                                                                                                          \
        LAST_##last(cpu, op);                                                                                          \
    }
#include "cpu/insn/pair.def"

enum piece {
#define PIECE(piece, name, f, w, bits, row) PIECE_##piece,
#define LAST(last, form) PIECE_##last,
#include "cpu/insn/pair.def"
    PIECES
};

static const struct piece_row {
    const struct body *body;
    uint8_t form, width;
} pieces[PIECES] = {
#define PIECE(piece, name, f, w, bits, row) {&body_##name, row, WIDTH_##w},
#define LAST(last, form) {&body_##last, form, W64},
#include "cpu/insn/pair.def"
};

static op_fn *const pairs[PIECES][PIECES] = {
#define PAIR(first, second, millions) [PIECE_##first][PIECE_##second] = first##_##second,
#define ENDING(first, last, millions) [PIECE_##first][PIECE_##last] = first##_##last,
#include "cpu/insn/pair.def"
};

unsigned piece_of(const struct bound *bound) {
    unsigned piece = 0;
    for (const struct piece_row *p = pieces; piece < PIECES; p++, piece++)
        if (p->body == bound->body && p->form == bound->form && p->width == bound->width) break;
    return piece;
}

// A build without tail calls returns to the loop after each record.
op_fn *paired(unsigned first, unsigned second) {
    if (!VMXRAY_TAIL_CALLS || first == PIECES || second == PIECES) return NULL;
    return pairs[first][second]; // cppcheck-suppress CastIntegerToAddressAtReturn ; it holds functions
}
