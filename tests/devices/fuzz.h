// Hostile guests of the board: random accesses to every register, with time passing.
#pragma once
#include "tests/decode/random.h"
#include <stdbool.h>
#include <stdint.h>

// Where random things come from.
struct source {
    uint64_t state;
};
static inline uint64_t next(struct source *s) { return random64(&s->state); }

// Does `accesses` random things to a machine of its own; returns a hash of what came of it.
uint64_t fuzz_board(uint64_t seed, unsigned accesses);
// The same for the disk controllers and their drives. 0: a state came about that cannot be loaded.
uint64_t fuzz_disk(uint64_t seed, unsigned accesses);
// The same for flash and the firmware configuration device.
uint64_t fuzz_firmware(uint64_t seed, unsigned accesses);
// The same for the display and the keyboard controller, with inputs; `looks`: pictures are pulled meanwhile.
uint64_t fuzz_display(uint64_t seed, unsigned accesses, bool looks);
