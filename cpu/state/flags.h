// The arithmetic flags, kept lazily in a form that needs no record of which instruction wrote them, so that a
// condition is a test of two words whatever the operand width:
//   result  sign-extended to 64 bits: ZF is result == 0, SF is its sign, PF the parity of its low byte
//   carry   bit 63: CF (the carry or borrow out of the most significant bit)
//           bit 62: the carry into the most significant bit, so that OF is bit 63 xor bit 62
//           bit 3:  AF (the carry out of bit 3)
//           bit 8:  set when SF is the opposite of result's sign
//           bits 16..23: xored into result's low byte before its parity is taken
// The last two let POPF and SAHF set ZF with SF, and any PF. SDM Vol. 1, 3.4.3.1.
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>

#define FLAG_CF BIT(0)
#define FLAG_PF BIT(2)
#define FLAG_AF BIT(4)
#define FLAG_ZF BIT(6)
#define FLAG_SF BIT(7)
#define FLAG_TF BIT(8)
#define FLAG_IF BIT(9)
#define FLAG_DF BIT(10)
#define FLAG_OF BIT(11)
#define FLAG_IOPL BITS(13, 12)
#define FLAG_NT BIT(14)
#define FLAG_RF BIT(16)
#define FLAG_VM BIT(17)
#define FLAG_AC BIT(18)
#define FLAG_VIF BIT(19)
#define FLAG_VIP BIT(20)
#define FLAG_ID BIT(21)
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
#define FLAGS_DEFINED                                                                                                  \
    (FLAGS_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_VIF |   \
     FLAG_VIP | FLAG_ID)

struct flags {
    uint64_t result;
    uint64_t carry;
};

#define CARRY_CF BIT(63)
#define CARRY_IN BIT(62)
#define CARRY_AF BIT(3)
#define CARRY_SIGN_FLIP BIT(8)
#define CARRY_MASK (CARRY_CF | CARRY_IN | CARRY_AF)

ALWAYS_INLINE bool flags_cf(const struct flags *f) { return f->carry >> 63; }
ALWAYS_INLINE bool flags_zf(const struct flags *f) { return f->result == 0; }
ALWAYS_INLINE bool flags_sf(const struct flags *f) { return ((f->result >> 63) ^ (f->carry >> 8)) & 1; }
ALWAYS_INLINE bool flags_of(const struct flags *f) { return ((f->carry >> 63) ^ (f->carry >> 62)) & 1; }
ALWAYS_INLINE bool flags_af(const struct flags *f) { return (f->carry >> 3) & 1; }
ALWAYS_INLINE bool flags_pf(const struct flags *f) {
    return !__builtin_parity((unsigned)((f->result ^ (f->carry >> 16)) & 0xff));
}

ALWAYS_INLINE uint64_t flags_get(const struct flags *f) {
    return (flags_cf(f) ? FLAG_CF : 0) | (flags_pf(f) ? FLAG_PF : 0) | (flags_af(f) ? FLAG_AF : 0) |
           (flags_zf(f) ? FLAG_ZF : 0) | (flags_sf(f) ? FLAG_SF : 0) | (flags_of(f) ? FLAG_OF : 0);
}

// Sets all six from an image of RFLAGS. The canonical form: the state hash sees this one.
ALWAYS_INLINE void flags_set(struct flags *f, uint64_t image) {
    bool cf = image & FLAG_CF, of = image & FLAG_OF, sf = image & FLAG_SF, pf = image & FLAG_PF;
    f->result = image & FLAG_ZF ? 0 : 1;
    // result's low byte (0 or 1) has parity even or odd; flip one bit where PF wants the other.
    bool parity_even = f->result == 0;
    f->carry = (cf ? CARRY_CF : 0) | (cf != of ? CARRY_IN : 0) | (image & FLAG_AF ? CARRY_AF : 0) |
               (sf ? CARRY_SIGN_FLIP : 0) | (parity_even != pf ? BIT(16) : 0);
}

// W is the operand width in bits; all values zero-extended.
ALWAYS_INLINE uint64_t flags_extend(uint64_t v, unsigned w) {
    return w == 8    ? (uint64_t)(int64_t)(int8_t)v
           : w == 16 ? (uint64_t)(int64_t)(int16_t)v
           : w == 32 ? (uint64_t)(int64_t)(int32_t)v
                     : v;
}
// A vector of carries out of each bit, moved so that the top two bits of width W are bits 63 and 62.
ALWAYS_INLINE uint64_t flags_carry_vector(uint64_t carries, unsigned w) {
    return ((w == 64 ? 0 : carries << (64 - w)) & (CARRY_CF | CARRY_IN)) |
           (w == 64 ? carries & CARRY_MASK : carries & CARRY_AF);
}
ALWAYS_INLINE void flags_add(struct flags *f, uint64_t a, uint64_t b, uint64_t r, unsigned w) {
    f->result = flags_extend(r, w);
    f->carry = flags_carry_vector((a & b) | ((a | b) & ~r), w);
}
ALWAYS_INLINE void flags_sub(struct flags *f, uint64_t a, uint64_t b, uint64_t r, unsigned w) {
    f->result = flags_extend(r, w);
    f->carry = flags_carry_vector((~a & b) | ((~a | b) & r), w);
}
ALWAYS_INLINE void flags_logic(struct flags *f, uint64_t r, unsigned w) {
    f->result = flags_extend(r, w);
    f->carry = 0;
}
// The result's SZP with explicit CF, OF and AF (shifts, multiplications).
ALWAYS_INLINE void flags_result(struct flags *f, uint64_t r, unsigned w, bool cf, bool of, bool af) {
    f->result = flags_extend(r, w);
    f->carry = (cf ? CARRY_CF : 0) | (cf != of ? CARRY_IN : 0) | (af ? CARRY_AF : 0);
}
// CF and OF alone; the others stay.
ALWAYS_INLINE void flags_set_cf(struct flags *f, bool cf) {
    bool of = flags_of(f);
    f->carry = (f->carry & ~(CARRY_CF | CARRY_IN)) | (cf ? CARRY_CF : 0) | (cf != of ? CARRY_IN : 0);
}
ALWAYS_INLINE void flags_set_cf_of(struct flags *f, bool cf, bool of) {
    f->carry = (f->carry & ~(CARRY_CF | CARRY_IN)) | (cf ? CARRY_CF : 0) | (cf != of ? CARRY_IN : 0);
}
ALWAYS_INLINE void flags_set_zf(struct flags *f, bool zf) {
    uint64_t image = flags_get(f);
    flags_set(f, zf ? image | FLAG_ZF : image & ~FLAG_ZF);
}

// The sixteen conditions of Jcc, SETcc and CMOVcc, SDM Vol. 1, Appendix B.
ALWAYS_INLINE bool flags_condition(const struct flags *f, unsigned cc) {
    bool v;
    switch (cc >> 1) {
    case 0: v = flags_of(f); break;
    case 1: v = flags_cf(f); break;
    case 2: v = flags_zf(f); break;
    case 3: v = flags_cf(f) || flags_zf(f); break;
    case 4: v = flags_sf(f); break;
    case 5: v = flags_pf(f); break;
    case 6: v = flags_sf(f) != flags_of(f); break;
    default: v = flags_zf(f) || flags_sf(f) != flags_of(f); break;
    }
    return v != (cc & 1);
}

#endif
