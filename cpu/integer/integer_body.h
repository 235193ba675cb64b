// Bodies of the most frequent instructions: integer_*.c and stack.c make handlers of them, pair.c handlers of two. SDM
// Vol. 2.
#ifndef CPU_INTEGER_BODY_H
#define CPU_INTEGER_BODY_H
#include "cpu/engine/body.h"
#include "cpu/integer/stack.h"

// --- movement ---

BODY(mov) {
    uint64_t v = 0;
    TRY(source(cpu, op, F, W, &v));
    return destination(cpu, op, F, W, v);
}

// B8 +r: the only instruction with an immediate of 64 bits, which the record holds as its displacement.
BODY(mov_wide) {
    BODY_UNUSED;
    reg_set(cpu, op->dst, W, W == 64 ? (uint64_t)op->disp : (uint64_t)(int64_t)op->imm);
    return OUT_OK;
}

#define EXTENDING(name, from, extend)                                                                                  \
    BODY(name) {                                                                                                       \
        uint64_t v = 0;                                                                                                \
        TRY(source(cpu, op, F, W < (from) ? W : (from), &v));                                                          \
        reg_set(cpu, op->dst, W, extend);                                                                              \
        return OUT_OK;                                                                                                 \
    }

EXTENDING(movzx_byte, 8, v)
EXTENDING(movzx_word, 16, v)
EXTENDING(movsx_byte, 8, flags_extend(v, 8))
EXTENDING(movsx_word, 16, flags_extend(v, 16))
EXTENDING(movsxd, 32, flags_extend(v, 32))

// The effective address: no segment. 64-bit mode with 64-bit addresses is the fast case.
BODY(lea) {
    uint64_t address = op->ea ? op_effective_address(cpu, op)
                              : reg64(cpu, op->base) + op_scaled(op, reg64(cpu, op->index)) + (uint64_t)op->disp;
    (void)F;
    reg_set(cpu, op->dst, W, address);
    return OUT_OK;
}

// --- arithmetic and logic ---

// An operation on two operands with its flags; a destination in memory is written before the flags change.
#define ALU(name, operation, set_flags)                                                                                \
    BODY(name) {                                                                                                       \
        uint64_t a = 0, b = 0;                                                                                         \
        struct target p;                                                                                               \
        TRY(source(cpu, op, F, W, &b));                                                                                \
        TRY(target_open(cpu, op, F, W, &p, &a));                                                                       \
        uint64_t r = (operation)&MASK(W);                                                                              \
        TRY(target_set(cpu, F, W, &p, r));                                                                             \
        if (!(F & FORM_QUIET)) set_flags;                                                                              \
        return OUT_OK;                                                                                                 \
    }

ALU(add, a + b, flags_add(&cpu->flags, a, b, r, W))
ALU(adc, a + b + flags_cf(&cpu->flags), flags_add(&cpu->flags, a, b, r, W))
ALU(sub, a - b, flags_sub(&cpu->flags, a, b, r, W))
ALU(sbb, a - b - flags_cf(&cpu->flags), flags_sub(&cpu->flags, a, b, r, W))
ALU(and, a &b, flags_logic(&cpu->flags, r, W))
ALU(or, a | b, flags_logic(&cpu->flags, r, W))
ALU(xor, a ^ b, flags_logic(&cpu->flags, r, W))

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

BODY(test) {
    uint64_t a = 0, b = 0;
    TRY(source(cpu, op, F, W, &b));
    TRY(first_source(cpu, op, F, W, &a));
    flags_logic(&cpu->flags, a & b, W);
    return OUT_OK;
}

// The only operand, read and written: FORM_R or FORM_M.
ALWAYS_INLINE enum form unary_form(enum form f) {
    return (enum form)((form_plain(f) == FORM_M ? FORM_MR : FORM_RR) | (f & FORM_BITS));
}

#define UNARY(name, operation, set_flags)                                                                              \
    BODY(name) {                                                                                                       \
        uint64_t a = 0;                                                                                                \
        struct target p;                                                                                               \
        TRY(target_open(cpu, op, unary_form(F), W, &p, &a));                                                           \
        uint64_t r = (operation)&MASK(W);                                                                              \
        TRY(target_set(cpu, unary_form(F), W, &p, r));                                                                 \
        if (!(F & FORM_QUIET)) set_flags;                                                                              \
        return OUT_OK;                                                                                                 \
    }

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
UNARY(inc, a + 1, flags_inc(&cpu->flags, a, r, W))
UNARY(dec, a - 1, flags_dec(&cpu->flags, a, r, W))
UNARY(neg, 0 - a, flags_sub(&cpu->flags, 0, a, r, W))
UNARY(not, ~a, (void)0)

// --- shifts: see integer_shift.c ---

ALWAYS_INLINE unsigned shift_count(const struct cpu *cpu, const struct op *op, enum form f, unsigned w) {
    uint64_t count =
        form_plain(f) == FORM_RI || form_plain(f) == FORM_MI ? (uint64_t)(int64_t)op->imm : reg_get(cpu, op->src, 8);
    return (unsigned)count & (w == 64 ? 63 : 31);
}

// `compute` makes the result and the flags from a and count n (not 0); the flags change once the destination is
// written.
#define SHIFT(name, compute, keep_of)                                                                                  \
    BODY(name) {                                                                                                       \
        uint64_t a = 0;                                                                                                \
        struct target p;                                                                                               \
        unsigned n = shift_count(cpu, op, F, W);                                                                       \
        TRY(target_open(cpu, op, F, W, &p, &a));                                                                       \
        struct flags flags = cpu->flags;                                                                               \
        uint64_t r = n ? compute(&flags, a, n, W) : a;                                                                 \
        if ((keep_of) && n != 1 && form_plain(F) == FORM_RI)                                                           \
            flags_set_cf_of(&flags, flags_cf(&flags), flags_of(&cpu->flags));                                          \
        TRY(target_set(cpu, F, W, &p, r));                                                                             \
        if (!(F & FORM_QUIET)) cpu->flags = flags;                                                                     \
        return OUT_OK;                                                                                                 \
    }

// OF after a shift by one, from the operand.
ALWAYS_INLINE bool top_bits_differ(uint64_t a, unsigned w) { return (a >> (w - 1) ^ a >> (w - 2)) & 1; }
ALWAYS_INLINE bool bit(uint64_t v, unsigned n) { return v >> n & 1; }

ALWAYS_INLINE uint64_t shl_compute(struct flags *f, uint64_t a, unsigned n, unsigned w) {
    uint64_t r = (a << n) & MASK(w);
    bool cf = n <= w && bit(a, w - n);
    flags_result(f, r, w, cf, top_bits_differ(a, w), false);
    return r;
}
ALWAYS_INLINE uint64_t shr_compute(struct flags *f, uint64_t a, unsigned n, unsigned w) {
    uint64_t r = a >> n;
    flags_result(f, r, w, bit(a, n - 1), bit(a, w - 1), false);
    return r;
}
ALWAYS_INLINE uint64_t sar_compute(struct flags *f, uint64_t a, unsigned n, unsigned w) {
    int64_t s = (int64_t)flags_extend(a, w);
    uint64_t r = (uint64_t)(s >> n) & MASK(w);
    flags_result(f, r, w, bit((uint64_t)s, n - 1), false, false);
    return r;
}
SHIFT(shl, shl_compute, false)
SHIFT(shr, shr_compute, false)
SHIFT(sar, sar_compute, false)

// Rotates change CF and OF alone, also when the count is a multiple of the width.
ALWAYS_INLINE uint64_t rol_compute(struct flags *f, uint64_t a, unsigned n, unsigned w) {
    n &= w - 1;
    uint64_t r = n ? (a << n | a >> (w - n)) & MASK(w) : a;
    flags_set_cf_of(f, bit(r, 0), top_bits_differ(a, w));
    return r;
}
ALWAYS_INLINE uint64_t ror_compute(struct flags *f, uint64_t a, unsigned n, unsigned w) {
    n &= w - 1;
    uint64_t r = n ? (a >> n | a << (w - n)) & MASK(w) : a;
    flags_set_cf_of(f, bit(r, w - 1), bit(a, 0) ^ bit(a, w - 1));
    return r;
}
SHIFT(rol, rol_compute, true)
SHIFT(ror, ror_compute, true)

// --- multiplication: see integer_multiply.c ---

typedef unsigned __int128 u128;
typedef __int128 s128;

ALWAYS_INLINE s128 extended(uint64_t v, unsigned w) { return (int64_t)flags_extend(v, w); }

// Bit 8 keeps a result of 0 from setting ZF, and leaves SF and PF as they are.
ALWAYS_INLINE void flags_product(struct flags *f, uint64_t low, bool overflow, unsigned w) {
    flags_result(f, low & MASK(w), w, overflow, overflow, false);
    if (f->result == 0) f->result = BIT(8);
}

ALWAYS_INLINE void imul_into(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t a, uint64_t b) {
    s128 r = extended(a, w) * extended(b, w);
    reg_set(cpu, op->dst, w, (uint64_t)r & MASK(w));
    if (!(f & FORM_QUIET)) flags_product(&cpu->flags, (uint64_t)r, r != extended((uint64_t)r & MASK(w), w), w);
}
BODY(imul) {
    uint64_t b = 0;
    TRY(source(cpu, op, F, W, &b));
    imul_into(cpu, op, F, W, reg_get(cpu, op->dst, W), b);
    return OUT_OK;
}

// --- the stack ---

BODY(push) {
    uint64_t v = 0;
    TRY(source(cpu, op, F, W, &v));
    return stack_push(cpu, F, W, v);
}

// The pointer moves before the destination is written: POP RSP ends with the value popped, and an address formed with
// RSP uses the new pointer.
BODY(pop) {
    uint64_t v = 0, before = cpu->gpr[RSP];
    TRY(stack_top(cpu, F, W, &v));
    stack_drop(cpu, W);
    if (form_plain(F) == FORM_R) {
        reg_set(cpu, op->dst, W, v);
        return OUT_OK;
    }
    enum outcome outcome = destination(cpu, op, (enum form)(FORM_MR | (F & FORM_BITS)), W, v);
    if (unlikely(outcome != OUT_OK)) cpu->gpr[RSP] = before;
    return outcome;
}

#endif
