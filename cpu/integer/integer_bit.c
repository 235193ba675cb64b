// Bit instructions: BT BTS BTR BTC, BSF BSR, POPCNT TZCNT LZCNT, BMI1 and BMI2, CRC32. SDM Vol. 2.
// Undefined by the SDM, here as on Intel silicon: BSF and BSR of 0 leave the destination as it was, their PF follows
// the index found, the other flags are clear; the BMI instructions and the counts clear PF and AF.
#include "cpu/engine/body.h"

enum bit_action { BIT_KEEP, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

ALWAYS_INLINE uint64_t bit_apply(uint64_t v, unsigned n, enum bit_action action) {
    switch (action) {
    case BIT_SET: return v | BIT(n);
    case BIT_RESET: return v & ~BIT(n);
    case BIT_COMPLEMENT: return v ^ BIT(n);
    default: return v;
    }
}

// With the bit offset in a register, the operand in memory is a bit string: the signed offset selects a word of it.
ALWAYS_INLINE enum outcome bit_linear(struct cpu *cpu, const struct op *op, enum form f, unsigned w, int64_t offset,
                                      bool write, uint64_t *linear) {
    if (f == FORM_MI) return op_linear(cpu, op, w / 8, write, linear);
    struct op moved = *op;
    moved.disp += (offset >> (w == 64 ? 6 : w == 32 ? 5 : 4)) * (int64_t)(w / 8);
    return op_linear(cpu, &moved, w / 8, write, linear);
}

ALWAYS_INLINE enum outcome bit_memory(struct cpu *cpu, const struct op *op, enum form f, unsigned w, int64_t offset,
                                      enum bit_action action, bool *was) {
    uint64_t linear = 0, v = 0;
    enum outcome outcome;
    TRY(bit_linear(cpu, op, f, w, offset, action != BIT_KEEP, &linear));
    unsigned n = (unsigned)offset & (w - 1);
    if (action == BIT_KEEP) {
        TRY(load(cpu, linear, w, &v));
        *was = v >> n & 1;
        return OUT_OK;
    }
    void *p = memory_write(cpu, linear, w / 8, true, &outcome);
    if (unlikely(!p)) return outcome;
    v = bytes_get(p, w);
    *was = v >> n & 1;
    bytes_set(p, w, bit_apply(v, n, action));
    return unlikely(p == cpu->bounce.data) ? memory_commit(cpu, w / 8) : OUT_OK;
}

#define BIT_TEST(name, action)                                                                                         \
    BODY(name) {                                                                                                       \
        bool was = false;                                                                                              \
        bool immediate = F == FORM_RI || F == FORM_MI;                                                                 \
        int64_t offset = immediate ? op->imm & (int)(W - 1) : (int64_t)flags_extend(reg_get(cpu, op->src, W), W);      \
        if (F == FORM_MR || F == FORM_MI) {                                                                            \
            TRY(bit_memory(cpu, op, F, W, offset, action, &was));                                                      \
        } else {                                                                                                       \
            uint64_t v = reg_get(cpu, op->dst, W);                                                                     \
            unsigned n = (unsigned)offset & (W - 1);                                                                   \
            was = v >> n & 1;                                                                                          \
            if ((action) != BIT_KEEP) reg_set(cpu, op->dst, W, bit_apply(v, n, action));                               \
        }                                                                                                              \
        flags_set_cf(&cpu->flags, was);                                                                                \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_BIT)
BIT_TEST(bt, BIT_KEEP)
BIT_TEST(bts, BIT_SET)
BIT_TEST(btr, BIT_RESET)
BIT_TEST(btc, BIT_COMPLEMENT)

ALWAYS_INLINE void flags_clear_pf(struct flags *f) { f->carry ^= flags_pf(f) ? BIT(16) : 0; }
ALWAYS_INLINE unsigned highest_bit(uint64_t v) { return 63 - (unsigned)__builtin_clzll(v); }

// ZF tells that the source was 0; bit 8 keeps an index of 0 from setting it.
#define BIT_SCAN(name, scan)                                                                                           \
    BODY(name) {                                                                                                       \
        uint64_t v = 0;                                                                                                \
        TRY(source(cpu, op, F, W, &v));                                                                                \
        if (v) reg_set(cpu, op->dst, W, scan);                                                                         \
        cpu->flags = (struct flags){.result = v ? (scan) | BIT(8) : 0};                                                \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, FAST, FORMS_REG_RM)
BIT_SCAN(bsf, (unsigned)__builtin_ctzll(v))
BIT_SCAN(bsr, highest_bit(v))

// `r`, then ZF by it and CF for a source of 0.
ALWAYS_INLINE void count_set(struct cpu *cpu, const struct op *op, unsigned w, uint64_t v, uint64_t r) {
    reg_set(cpu, op->dst, w, r);
    flags_result(&cpu->flags, r != 0, w, v == 0, false, false);
    flags_clear_pf(&cpu->flags);
}
BODY(tzcnt) {
    uint64_t v = 0;
    TRY(source(cpu, op, F, W, &v));
    count_set(cpu, op, W, v, v ? (unsigned)__builtin_ctzll(v) : W);
    return OUT_OK;
}
INSTANTIATE(tzcnt, FAST, FORMS_REG_RM)

BODY(lzcnt) {
    uint64_t v = 0;
    TRY(source(cpu, op, F, W, &v));
    count_set(cpu, op, W, v, v ? W - 1 - highest_bit(v) : W);
    return OUT_OK;
}
INSTANTIATE(lzcnt, FAST, FORMS_REG_RM)

// How many bits are 1, added up in parts of a word: the compiler would call its library where it may not count on
// POPCNT.
ALWAYS_INLINE unsigned bits_set(uint64_t v) {
    v -= v >> 1 & 0x5555555555555555;
    v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
    return (unsigned)(((v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}

BODY(popcnt) {
    uint64_t v = 0;
    TRY(source(cpu, op, F, W, &v));
    reg_set(cpu, op->dst, W, bits_set(v));
    flags_set(&cpu->flags, v ? 0 : FLAG_ZF);
    return OUT_OK;
}
INSTANTIATE(popcnt, FAST, FORMS_REG_RM)

// --- BMI1, BMI2 ---

// "Gy,By,Ey": first operand of the operation in op->src, second in op->base or memory.
ALWAYS_INLINE enum outcome vex_second(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t *v) {
    if (f == FORM_RRM) return source(cpu, op, FORM_RM, w, v);
    *v = reg_get(cpu, op->base, w);
    return OUT_OK;
}
// "Gy,Ey,By": value in op->src or memory, control in op->base, or op->src with memory.
ALWAYS_INLINE enum outcome vex_controlled(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t *v,
                                          uint64_t *control) {
    *control = reg_get(cpu, f == FORM_RRM ? op->src : op->base, w);
    if (f == FORM_RRM) return source(cpu, op, FORM_RM, w, v);
    *v = reg_get(cpu, op->src, w);
    return OUT_OK;
}

BODY(andn) {
    uint64_t v = 0;
    TRY(vex_second(cpu, op, F, W, &v));
    v &= ~reg_get(cpu, op->src, W);
    reg_set(cpu, op->dst, W, v);
    flags_logic(&cpu->flags, v, W);
    flags_clear_pf(&cpu->flags);
    return OUT_OK;
}
INSTANTIATE(andn, NEXT, FORMS_VEX_RM)

#define LOWEST_BIT(name, operation, carry)                                                                             \
    BODY(name) {                                                                                                       \
        uint64_t v = 0;                                                                                                \
        TRY(source(cpu, op, F, W, &v));                                                                                \
        uint64_t r = (operation)&MASK(W);                                                                              \
        reg_set(cpu, op->dst, W, r);                                                                                   \
        flags_result(&cpu->flags, r, W, carry, false, false);                                                          \
        flags_clear_pf(&cpu->flags);                                                                                   \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_REG_RM_DWORD)
LOWEST_BIT(blsr, v &(v - 1), v == 0)
LOWEST_BIT(blsmsk, v ^ (v - 1), v == 0)
LOWEST_BIT(blsi, v &(0 - v), v != 0)

BODY(bextr) {
    uint64_t v = 0, control = 0;
    TRY(vex_controlled(cpu, op, F, W, &v, &control));
    unsigned start = control & 0xff, length = control >> 8 & 0xff;
    uint64_t r = start < W ? v >> start : 0;
    if (length < 64) r &= BIT(length) - 1;
    reg_set(cpu, op->dst, W, r);
    flags_set(&cpu->flags, r ? 0 : FLAG_ZF);
    return OUT_OK;
}
INSTANTIATE(bextr, NEXT, FORMS_VEX_RM)

BODY(bzhi) {
    uint64_t v = 0, control = 0;
    TRY(vex_controlled(cpu, op, F, W, &v, &control));
    unsigned n = control & 0xff;
    uint64_t r = n < W ? v & (BIT(n) - 1) : v;
    reg_set(cpu, op->dst, W, r);
    flags_result(&cpu->flags, r, W, n >= W, false, false);
    flags_clear_pf(&cpu->flags);
    return OUT_OK;
}
INSTANTIATE(bzhi, NEXT, FORMS_VEX_RM)

// Deposits the low bits of v at the places of mask, and gathers them.
static uint64_t deposit(uint64_t v, uint64_t mask) {
    uint64_t r = 0;
    for (; mask; mask &= mask - 1, v >>= 1)
        if (v & 1) r |= mask & (0 - mask);
    return r;
}
static uint64_t extract(uint64_t v, uint64_t mask) {
    uint64_t r = 0;
    for (unsigned n = 0; mask; mask &= mask - 1, n++)
        if (v & mask & (0 - mask)) r |= BIT(n);
    return r;
}
#define BY_MASK(name, function)                                                                                        \
    BODY(name) {                                                                                                       \
        uint64_t mask = 0;                                                                                             \
        TRY(vex_second(cpu, op, F, W, &mask));                                                                         \
        reg_set(cpu, op->dst, W, function(reg_get(cpu, op->src, W), mask));                                            \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_VEX_RM)
BY_MASK(pdep, deposit)
BY_MASK(pext, extract)

// --- CRC32 with the polynomial 11EDC6F41H, bit-reflected ---

static uint32_t crc32_accumulate(uint32_t crc, uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++, v >>= 8) {
        crc ^= (uint8_t)v;
        for (unsigned k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}
#define CRC32(name, width)                                                                                             \
    BODY(name) {                                                                                                       \
        uint64_t v = 0;                                                                                                \
        TRY(source(cpu, op, F, width, &v));                                                                            \
        set_reg64(cpu, op->dst, crc32_accumulate((uint32_t)reg_get(cpu, op->dst, 32), v, (width) / 8));                \
        (void)W;                                                                                                       \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_REG_RM_DWORD)
CRC32(crc32_byte, 8)
CRC32(crc32_word, 16)
CRC32(crc32, W)
