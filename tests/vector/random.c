// Random operands for instructions.
#include "tests/vector/random.h"
#include <string.h>

static uint64_t seed = 1;
void random_seed(uint64_t s) { seed = s; }

uint64_t random64(void) { // splitmix64
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t corner64(void) {
    static const uint64_t corners[] = {
        0, 1, ~0ull, 1ull << 63, ~0ull >> 1, 0x8080808080808080, 0x7f7f7f7f7f7f7f7f, 0x00ff00ff00ff00ff};
    return corners[random_below(8)];
}
static uint64_t integer64(void) {
    uint64_t v = random64();
    return random_below(4) == 0 ? corner64() : random_below(3) ? v : v >> random_below(64);
}

// A float with `fraction` fraction bits and `exponent` exponent bits: zeros, denormals, infinities, NaNs, near one.
static uint64_t float_bits(unsigned fraction, unsigned exponent) {
    uint64_t f = random64() & ((1ull << fraction) - 1), e, max = (1ull << exponent) - 1, bias = max >> 1;
    if (random_below(4) == 0) f = random_below(2) ? 0 : f & (~0ull << random_below(fraction + 1));
    switch (random_below(10)) {
    case 0: e = 0; break;
    case 1: e = max; break;
    case 2: e = random64() & max; break;
    case 3: e = random_below(2) ? 1 + random_below(3) : max - 1 - random_below(3); break;
    case 4: e = bias + random_below(66); break;
    default: e = bias - 3 + random_below(7); break;
    }
    return (random64() & 1) << (fraction + exponent) | e << fraction | f;
}

static uint64_t element64(const struct random_options *o) {
    if (o->float64 && random_below(8)) return float_bits(52, 11);
    if (o->float32 && random_below(8)) return float_bits(23, 8) << 32 | float_bits(23, 8);
    return integer64();
}

static void random_x87(struct state *s, const struct random_options *o) {
    uint16_t control =
        (uint16_t)(0x40 | (random64() & 0xf00) | (o->masked || random_below(3) ? 0x3f : random64() & 0x3f));
    uint16_t flags = (uint16_t)(random_below(2) ? random64() & control & 0x3f : 0);
    uint16_t status = (uint16_t)((random64() & 0x7f00) | flags | (random_below(8) ? 0 : 0x40));
    if (random_below(50) == 0 && !o->masked) status |= 1;
    memset(s->fx, 0, sizeof s->fx);
    memcpy(s->fx, &control, 2);
    memcpy(s->fx + 2, &status, 2);
    s->fx[4] = (uint8_t)(o->full_stack || random_below(2) ? 0xff : random64());
    uint16_t opcode = (uint16_t)(random64() & 0x7ff);
    uint64_t ip = random64() >> 17, dp = random64() >> 17; // canonical: processors keep no others
    memcpy(s->fx + 6, &opcode, 2), memcpy(s->fx + 8, &ip, 8), memcpy(s->fx + 16, &dp, 8);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t significand = integer64();
        uint16_t e = (uint16_t)float_bits(0, 15);
        if (random_below(12)) significand |= e & 0x7fff ? 1ull << 63 : 0;
        if (random_below(6) == 0) significand &= ~0ull << random_below(64);
        memcpy(s->fx + 32 + 16 * i, &significand, 8);
        memcpy(s->fx + 40 + 16 * i, &e, 2);
    }
}

void random_state(struct state *s, const struct random_options *o) {
    random_x87(s, o);
    uint32_t mxcsr =
        (uint32_t)(random64() & 0xe07f) | (o->masked || random_below(3) ? 0x1f80 : (uint32_t)random64() & 0x1f80);
    memcpy(s->fx + 24, &mxcsr, 4);
    for (unsigned i = 0; i < 16; i++) {
        uint64_t v[2] = {element64(o), element64(o)};
        if (random_below(4) == 0 && i) memcpy(v, s->fx + 160 + 16 * random_below(i), 16);
        memcpy(s->fx + 160 + 16 * i, v, 16);
    }
    for (unsigned i = 0; i < NATIVE_DATA_BYTES / 8; i++) {
        uint64_t v = element64(o);
        memcpy(s->data + 8 * i, &v, 8);
    }
    for (unsigned i = 0; i < 8; i++) s->gpr[i] = random_below(2) ? integer64() : random_below(40) - 20ull;
    s->gpr[3] = NATIVE_DATA + 128;
    s->gpr[7] = NATIVE_DATA + 256 + random_below(16);
    s->flags = random64() & 0x8d5;
}
