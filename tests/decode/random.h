// Random instruction bytes, with every opcode map and prefix likely. Deterministic: a generator of our own.
#ifndef TESTS_DECODE_RANDOM_H
#define TESTS_DECODE_RANDOM_H
#include <stdint.h>

// SplitMix64.
static inline uint64_t random64(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}
static inline unsigned random_below(uint64_t *state, unsigned n) { return (unsigned)(random64(state) >> 32) % n; }

static inline unsigned random_prefixes(uint64_t *state, uint8_t *out) {
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e,
                                       0x36, 0x3e, 0x64, 0x65, 0x66, 0xf3, 0xf2};
    unsigned n = 0, count = random_below(state, 8) == 0 ? random_below(state, 6) : random_below(state, 3);
    while (n < count) out[n++] = prefixes[random_below(state, sizeof(prefixes))];
    if (random_below(state, 3) == 0) out[n++] = (uint8_t)(0x40 | random_below(state, 16));
    return n;
}
static inline void random_instruction(uint64_t *state, uint8_t bytes[15]) {
    for (unsigned i = 0; i < 15; i++) bytes[i] = (uint8_t)random64(state);
    if (random_below(state, 8) == 0) return;
    unsigned n = random_prefixes(state, bytes);
    switch (random_below(state, 6)) {
    case 0:
    case 1: break;
    case 2:
    case 3: bytes[n] = 0x0f; break;
    case 4:
        bytes[n++] = 0x0f;
        bytes[n] = random_below(state, 2) ? 0x38 : 0x3a;
        break;
    default:
        bytes[n] = random_below(state, 3) ? 0xc4 : 0xc5;
        if (bytes[n] == 0xc4) bytes[n + 1] = (uint8_t)((bytes[n + 1] & 0xe0) | (1 + random_below(state, 3)));
        break;
    }
}

#endif
