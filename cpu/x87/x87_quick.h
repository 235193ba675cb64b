// What most x87 instructions are: no exception pending or due but a masked PE, rounding to nearest, precision of 64
// bits, operands and results that are normal, no register of the stack empty that should not be, nor full. Fast forms
// do these in line, and miss otherwise (OUT_MISS): the plain form knows everything. SDM Vol. 1, 4.8.4, 8.1, 8.3.
//
// Nothing may be changed before it is known that nothing misses.
#ifndef CPU_X87_QUICK_H
#define CPU_X87_QUICK_H
#include "cpu/engine/body.h"
#include "cpu/float/float80.h"
#include "cpu/state/model.h"
#include "cpu/x87/x87.h"

struct quick {
    struct f80 value;
    bool inexact, up;
};

// --- arithmetic ---
ALWAYS_INLINE bool quick_normal(struct f80 a) {
    return (unsigned)float80_exponent(a) - 1 < F80_EXPONENT_MAX - 1 && a.significand >> 63;
}
// Rounds a value as float80_pack does: bit 127 is set, bit 0 is sticky. False if it does not become a normal one.
ALWAYS_INLINE bool quick_round(bool sign, int exponent, uint128 significand, struct quick *r) {
    uint64_t high = (uint64_t)(significand >> 64), low = (uint64_t)significand;
    r->up = float_rounds_up(low, 1ull << 63, high & 1, sign, FLOAT_NEAREST);
    r->inexact = low != 0;
    high += r->up;
    if (unlikely(!high)) high = F80_INTEGER_BIT, exponent++;
    r->value = float80_make(sign, exponent, high);
    return (unsigned)exponent - 1 < F80_EXPONENT_MAX - 1;
}
ALWAYS_INLINE bool quick_add(struct f80 a, struct f80 b, struct quick *r) {
    bool swap = float80_exponent(a) < float80_exponent(b);
    const struct f80 large = swap ? b : a, small = swap ? a : b;
    bool sign = float80_sign(large);
    int exponent = float80_exponent(large);
    uint128 high = (uint128)large.significand << 63, low = (uint128)small.significand << 63;
    low = float80_shift_sticky(low, exponent - float80_exponent(small));
    if (sign == float80_sign(small)) {
        high += low;
    } else {
        if (unlikely(high == low)) return false;
        sign ^= low > high;
        high = low > high ? low - high : high - low;
    }
    uint64_t top = (uint64_t)(high >> 64);
    int zeros = likely(top) ? __builtin_clzll(top) : 64 + __builtin_clzll((uint64_t)high);
    return quick_round(sign, exponent + 1 - zeros, high << zeros, r);
}
ALWAYS_INLINE bool quick_sub(struct f80 a, struct f80 b, struct quick *r) { return quick_add(a, f80_negate(b), r); }
ALWAYS_INLINE bool quick_mul(struct f80 a, struct f80 b, struct quick *r) {
    uint128 product = (uint128)a.significand * b.significand;
    bool carry = product >> 127, sign = float80_sign(a) != float80_sign(b);
    int exponent = float80_exponent(a) + float80_exponent(b) - F80_BIAS + carry;
    return quick_round(sign, exponent, product << !carry, r);
}
ALWAYS_INLINE bool quick_div(struct f80 a, struct f80 b, struct quick *r) {
    int exponent = float80_exponent(a) - float80_exponent(b) + F80_BIAS - (a.significand < b.significand);
    bool sign = float80_sign(a) != float80_sign(b);
    return quick_round(sign, exponent, float80_quotient(a.significand, b.significand), r);
}

// --- conversions of memory operands ---
ALWAYS_INLINE bool quick_from_float(unsigned w, uint64_t bits, struct f80 *r) {
    const struct float_format f = w == 32 ? FLOAT_SINGLE : FLOAT_DOUBLE;
    int exponent = float_exponent(f, bits) - f.exponent_max / 2 + F80_BIAS;
    *r = float80_make(float_sign(f, bits), exponent, bits << (63 - f.fraction_bits) | F80_INTEGER_BIT);
    return float_is_normal(f, bits);
}
ALWAYS_INLINE bool quick_to_float(unsigned w, struct f80 a, uint64_t *bits, struct quick *r) {
    const struct float_format f = w == 32 ? FLOAT_SINGLE : FLOAT_DOUBLE;
    const int drop = 63 - f.fraction_bits;
    int exponent = float80_exponent(a) - F80_BIAS + f.exponent_max / 2;
    uint64_t dropped = a.significand & ((1ull << drop) - 1), kept = a.significand >> drop;
    r->up = float_rounds_up(dropped, 1ull << (drop - 1), kept & 1, false, FLOAT_NEAREST);
    r->inexact = dropped != 0;
    *bits = float_signed(f, float80_sign(a), ((uint64_t)(exponent - 1) << f.fraction_bits) + kept + r->up);
    return quick_normal(a) && (unsigned)exponent - 1 < (unsigned)f.exponent_max - 1 && float_is_normal(f, *bits);
}
ALWAYS_INLINE struct f80 quick_from_integer(int64_t a) { // not 0
    uint64_t magnitude = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
    int zeros = __builtin_clzll(magnitude);
    return float80_make(a < 0, F80_BIAS + 63 - zeros, magnitude << zeros);
}

// --- beginning and end of an instruction ---
#define QUICK_CONTROL (BITS(11, 8) | FLOAT_PE) // RC, PC and PM
// Whether results are rounded as above, and PE is masked.
ALWAYS_INLINE bool quick_rounding(const struct cpu *cpu) { return (cpu->fpu.x87.control & QUICK_CONTROL) == 0x320; }
// Whether the instruction does not wait for a handler, and has no operand pointer to leave.
ALWAYS_INLINE bool quick_begins(const struct cpu *cpu, enum form f) {
    enum form plain = form_plain(f);
    bool memory = plain == FORM_M || plain == FORM_RM || plain == FORM_MR;
    if (memory && !cpu->wire.model->features[FEATURE_FDP_EXCPTN]) return false;
    return !(cpu->fpu.x87.status & X87_ES);
}
// ST(i) as a register, and whether it is empty.
ALWAYS_INLINE struct x87_register *quick_register(struct cpu *cpu, unsigned i) {
    return &cpu->fpu.x87.r[x87_physical(cpu, i)];
}
ALWAYS_INLINE struct f80 quick_get(const struct x87_register *r) {
    return (struct f80){r->significand, r->sign_exponent};
}
ALWAYS_INLINE void quick_put(struct x87_register *r, struct f80 v) {
    r->significand = v.significand;
    r->sign_exponent = v.sign_exponent;
}
// The pointer, the flags, and the stack's top after `pops` (-1: a push).
ALWAYS_INLINE void quick_end(struct cpu *cpu, const struct op *op, bool inexact, unsigned conditions, unsigned keep,
                             int pops) {
    struct x87 *x = &cpu->fpu.x87;
    unsigned status = x->status, top = status >> X87_TOP_SHIFT & 7;
    status = (status & (keep & ~(unsigned)X87_TOP)) | conditions | (inexact ? FLOAT_PE : 0);
    if (pops > 0) x->empty |= (uint8_t)(1u << top);
    if (pops < 0) x->empty &= (uint8_t) ~(1u << ((top - 1) & 7));
    x->status = (uint16_t)(status | ((top + (unsigned)pops) & 7) << X87_TOP_SHIFT);
    x->ip = op_rip(cpu, op);
}
#define QUICK_BUT_C1 (~(unsigned)FLOAT_C1)

// --- instructions ---
typedef bool quick_operation(struct f80 a, struct f80 b, struct quick *r);
// ST(dst) = ST(dst) op ST(src), or the other way round, and perhaps a pop.
ALWAYS_INLINE enum outcome quick_registers(struct cpu *cpu, const struct op *op, quick_operation *operation,
                                           bool reverse, bool pop) {
    struct quick r;
    struct x87_register *to = quick_register(cpu, op->dst);
    if (!quick_begins(cpu, FORM_RR) || !quick_rounding(cpu)) return OUT_MISS;
    if (x87_is_empty(cpu, op->dst) || x87_is_empty(cpu, op->src)) return OUT_MISS;
    const struct f80 a = quick_get(to), b = quick_get(quick_register(cpu, op->src));
    if (unlikely(!quick_normal(a) || !quick_normal(b))) return OUT_MISS;
    if (unlikely(!(reverse ? operation(b, a, &r) : operation(a, b, &r)))) return OUT_MISS;
    quick_put(to, r.value);
    quick_end(cpu, op, r.inexact, r.up ? FLOAT_C1 : 0, QUICK_BUT_C1, pop);
    return OUT_OK;
}
// ST(0) = ST(0) op memory: a float, or an integer.
ALWAYS_INLINE enum outcome quick_memory(struct cpu *cpu, const struct op *op, enum form f, unsigned w, bool integer,
                                        quick_operation *operation, bool reverse) {
    struct quick r;
    struct f80 b;
    uint64_t bits = 0;
    struct x87_register *to = quick_register(cpu, 0);
    if (!quick_begins(cpu, f) || !quick_rounding(cpu) || x87_is_empty(cpu, 0)) return OUT_MISS;
    TRY(source(cpu, op, f, w, &bits));
    if (integer && !bits) return OUT_MISS;
    if (integer)
        b = quick_from_integer((int64_t)flags_extend(bits, w));
    else if (!quick_from_float(w, bits, &b))
        return OUT_MISS;
    const struct f80 a = quick_get(to);
    if (unlikely(!quick_normal(a))) return OUT_MISS;
    if (unlikely(!(reverse ? operation(b, a, &r) : operation(a, b, &r)))) return OUT_MISS;
    quick_put(to, r.value);
    quick_end(cpu, op, r.inexact, r.up ? FLOAT_C1 : 0, QUICK_BUT_C1, 0);
    return OUT_OK;
}
// A value is pushed, as it is.
ALWAYS_INLINE enum outcome quick_push(struct cpu *cpu, const struct op *op, struct f80 v) {
    if (unlikely(!x87_is_empty(cpu, 7))) return OUT_MISS;
    quick_put(quick_register(cpu, 7), v);
    quick_end(cpu, op, false, 0, QUICK_BUT_C1, -1);
    return OUT_OK;
}
// A comparison of ST(0) and ST(i): normal values and zeros. Into the flags, or C3, C2 and C0.
ALWAYS_INLINE enum outcome quick_compare(struct cpu *cpu, const struct op *op, unsigned i, bool to_flags, int pops) {
    if (!quick_begins(cpu, FORM_RR) || x87_is_empty(cpu, 0) || x87_is_empty(cpu, i) || pops > 1) return OUT_MISS;
    const struct f80 a = quick_get(quick_register(cpu, 0)), b = quick_get(quick_register(cpu, i));
    bool zero_a = !a.significand && !float80_exponent(a), zero_b = !b.significand && !float80_exponent(b);
    if (unlikely(!(quick_normal(a) || zero_a) || !(quick_normal(b) || zero_b))) return OUT_MISS;
    bool equal = (zero_a && zero_b) || (a.significand == b.significand && a.sign_exponent == b.sign_exponent);
    bool below = float80_exponent(a) != float80_exponent(b) ? float80_exponent(a) < float80_exponent(b)
                                                            : a.significand < b.significand;
    bool less = !equal && (float80_sign(a) != float80_sign(b) ? float80_sign(a) : below != float80_sign(a));
    unsigned relation = equal ? FLOAT_EQUAL : less ? FLOAT_LESS : FLOAT_GREATER;
    if (to_flags) flags_set(&cpu->flags, relation);
    quick_end(cpu, op, false, to_flags ? 0 : relation << 8, to_flags ? ~0u : ~(unsigned)X87_CONDITIONS, pops);
    return OUT_OK;
}

#endif
