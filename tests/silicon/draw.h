// Parts of draw.c: the generator, values, what registers hold, and what instructions find in memory.
#ifndef TESTS_SILICON_DRAW_H
#define TESTS_SILICON_DRAW_H
#include "tests/silicon/silicon.h"
#include "tests/decode/random.h"

struct draw {
    uint64_t seed;
    const struct decoder *decoder;
    struct silicon_case *c;
    uint8_t *memory;
};

static inline uint64_t draw64(struct draw *d) { return random64(&d->seed); }
static inline unsigned below(struct draw *d, unsigned n) { return random_below(&d->seed, n); }
static inline bool one_in(struct draw *d, unsigned n) { return random_below(&d->seed, n) == 0; }

// --- values, draw_state.c ---
uint64_t draw_corner(struct draw *d);                     // an integer
uint64_t draw_element(struct draw *d);                    // 64 bits of integers or floating-point numbers
uint64_t draw_pointer(struct draw *d);                    // a linear address, mostly near a border
uint16_t draw_data_selector(struct draw *d, bool stack);  // that can be loaded
void draw_state(struct draw *d, struct silicon_state *s); // all but RIP and TF

// --- memory, draw_operand.c ---
void draw_put(struct draw *d, uint64_t linear, uint64_t value, unsigned bytes);
void draw_stack(struct draw *d);    // what returns and POPs find
void draw_operands(struct draw *d); // where the operands in memory lie, and what is there

#endif
