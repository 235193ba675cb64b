// String instructions: address registers, counts, and the repetition of one. SDM Vol. 1, 7.3.9; Vol. 2B, REP.
//
// Of a record of a T_STRING row: imm is the repeat prefix, ea the address size and the source segment.
#ifndef CPU_STRING_H
#define CPU_STRING_H
#include "cpu/engine/body.h"

ALWAYS_INLINE unsigned string_address_width(const struct op *op) {
    return op->ea & EA_ADDRESS64 ? 64 : op->ea & EA_ADDRESS32 ? 32 : 16;
}
// RSI, RDI or RCX as the address size has it.
ALWAYS_INLINE uint64_t string_register(const struct cpu *cpu, const struct op *op, enum gpr number) {
    return cpu->gpr[number] & MASK(string_address_width(op));
}
ALWAYS_INLINE void string_register_set(struct cpu *cpu, const struct op *op, enum gpr number, uint64_t v) {
    uint64_t *r = &cpu->gpr[number], mask = MASK(string_address_width(op));
    *r = mask == UINT16_MAX ? (*r & ~mask) | (v & mask) : v & mask;
}
// After `count` elements of w bits.
ALWAYS_INLINE void string_advance(struct cpu *cpu, const struct op *op, enum gpr number, unsigned w, uint64_t count) {
    uint64_t by = count * (w / 8);
    string_register_set(cpu, op, number, cpu->gpr[number] + (cpu->rflags & FLAG_DF ? 0 - by : by));
}
// Linear addresses of the element: the source's segment can be overridden, the destination's is ES.
ALWAYS_INLINE enum outcome string_source(struct cpu *cpu, const struct op *op, unsigned w, uint64_t *linear) {
    return segment_linear(cpu, op->ea & EA_SEGMENT, string_register(cpu, op, RSI), w / 8, false, linear);
}
ALWAYS_INLINE enum outcome string_target(struct cpu *cpu, const struct op *op, unsigned w, bool write,
                                         uint64_t *linear) {
    return segment_linear(cpu, ES, string_register(cpu, op, RDI), w / 8, write, linear);
}

// One iteration: accesses memory, then moves RSI and RDI. *more false: a comparison ends the repetition.
typedef enum outcome string_once_fn(struct cpu *cpu, const struct op *op, bool *more);
// Up to `count` iterations at once, where that gives the same; the number done, 0 when it would not. May be NULL.
typedef uint64_t string_bulk_fn(struct cpu *cpu, const struct op *op, uint64_t count);

// Repeats until RCX is 0 or a comparison ends it: RIP then is the next instruction's. Stops before that with OUT_AGAIN
// when the budget is used up or the machine wants attention. Every iteration is one step (a count of 0: one too); the
// first was paid for at block entry. A fault in a later iteration is left to the next attempt.
// Rows: T_STRING | T_REP | T_ALONE | T_BRANCH.
enum outcome string_repeat(struct cpu *cpu, const struct op *op, string_once_fn *once, string_bulk_fn *bulk);

#endif
