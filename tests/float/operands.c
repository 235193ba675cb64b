#include "tests/float/operands.h"

uint64_t operands_bits(struct operands *o) {
    o->state ^= o->state << 13;
    o->state ^= o->state >> 7;
    o->state ^= o->state << 17;
    return o->state * 0x2545f4914f6cdd1d;
}

unsigned operands_below(struct operands *o, unsigned limit) {
    return (unsigned)((operands_bits(o) >> 32) * limit >> 32);
}

static uint64_t mask(unsigned bits) { return bits ? ~0ull >> (64 - bits) : 0; }

// A fraction of `bits` bits: any; zeros or ones but for a few bits; a short one; a run of ones.
static uint64_t fraction(struct operands *o, unsigned bits) {
    uint64_t any = operands_bits(o), f;
    unsigned at = operands_below(o, bits), length = operands_below(o, bits + 1);
    switch (operands_below(o, 8)) {
    case 0: f = operands_below(o, 4); break;
    case 1: f = ~(uint64_t)operands_below(o, 4); break;
    case 2: f = any << at; break;
    case 3: f = any << at | mask(at); break;
    case 4: f = mask(length) << at; break;
    case 5: f = (1ull << at) + operands_below(o, 3) - 1; break;
    default: f = any; break;
    }
    return f & mask(bits);
}

// A biased exponent: any; around 1; at either end of the range.
static unsigned exponent(struct operands *o, unsigned maximum) {
    unsigned bias = maximum / 2;
    switch (operands_below(o, 8)) {
    case 0: return 0;
    case 1: return operands_below(o, 4);
    case 2: return maximum - operands_below(o, 4);
    case 3: return bias - 70 + operands_below(o, 140);
    case 4: return bias - 3 + operands_below(o, 6);
    case 5: return (operands_below(o, 2) ? bias + bias / 2 : bias / 2) - 5 + operands_below(o, 10);
    default: return operands_below(o, maximum + 1);
    }
}

f32 operands_f32(struct operands *o) {
    f32 sign = (f32)operands_below(o, 2) << 31;
    if (!operands_below(o, 16)) return sign | (f32)(0x7f800000 & -operands_below(o, 2)); // zero, infinity
    return sign | exponent(o, 0xff) << 23 | (f32)fraction(o, 23);
}

f64 operands_f64(struct operands *o) {
    f64 sign = (f64)operands_below(o, 2) << 63;
    if (!operands_below(o, 16)) return sign | (0x7ff0000000000000 & -(f64)operands_below(o, 2));
    return sign | (f64)exponent(o, 0x7ff) << 52 | fraction(o, 52);
}

struct f80 operands_f80(struct operands *o) {
    unsigned sign = operands_below(o, 2) << 15, e;
    if (!operands_below(o, 16)) {
        bool infinity = operands_below(o, 2);
        return (struct f80){(uint64_t)infinity << 63, (uint16_t)(sign | (infinity ? 0x7fff : 0))};
    }
    e = exponent(o, 0x7fff);
    uint64_t significand = fraction(o, 63) | (uint64_t)(e != 0) << 63;
    if (!operands_below(o, 10)) significand ^= 1ull << 63;
    return (struct f80){significand, (uint16_t)(sign | e)};
}

int64_t operands_i64(struct operands *o) {
    uint64_t value = fraction(o, 64) >> operands_below(o, 64);
    return (int64_t)(operands_below(o, 2) ? 0 - value : value);
}

// Changes that keep a value near: its sign, its last bits, its exponent.
static uint64_t beside(struct operands *o, uint64_t a, unsigned fraction_bits, unsigned sign_bit) {
    a ^= (uint64_t)operands_below(o, 2) << sign_bit;
    if (operands_below(o, 2)) a += operands_below(o, 9) - 4ull;
    if (operands_below(o, 2))
        a += (operands_below(o, 2 * fraction_bits + 10) - (uint64_t)fraction_bits - 5) << fraction_bits;
    return a;
}

f32 operands_f32_beside(struct operands *o, f32 a) {
    return operands_below(o, 3) ? operands_f32(o) : (f32)beside(o, a, 23, 31);
}

f64 operands_f64_beside(struct operands *o, f64 a) {
    return operands_below(o, 3) ? operands_f64(o) : beside(o, a, 52, 63);
}

struct f80 operands_f80_beside(struct operands *o, struct f80 a) {
    if (operands_below(o, 3)) return operands_f80(o);
    a.sign_exponent ^= (uint16_t)(operands_below(o, 2) << 15);
    if (operands_below(o, 2)) a.significand += operands_below(o, 9) - 4ull;
    if (operands_below(o, 2)) a.sign_exponent += (uint16_t)(operands_below(o, 140) - 70);
    return a;
}
