// Random states: integers and floating-point values from the corners as often as from the middle.
#ifndef TESTS_VECTOR_RANDOM_H
#define TESTS_VECTOR_RANDOM_H
#include "tests/vector/native.h"

uint64_t random64(void);
void random_seed(uint64_t seed);
static inline unsigned random_below(unsigned n) { return (unsigned)(random64() >> 33) % n; }

struct random_options {
    bool float64, float32, full_stack, masked;
};
// A whole state; `options` lean its vector registers and memory towards floats.
void random_state(struct state *state, const struct random_options *options);

#endif
