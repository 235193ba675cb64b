// What chips are tested with: a clock that stands until it is moved, and lines that remember.
#pragma once
#include "devices/timer/clock.h"
#include "devices/bus/line.h"

struct fake {
    struct clock clock;
    uint64_t cycle;
};
// A clock of `hz` cycles a second at cycle 0.
void fake_init(struct fake *fake, uint64_t hz);
// Moves time on, stopping at every deadline on the way.
void fake_pass(struct fake *fake, uint64_t cycles);

struct fake_line {
    bool level;
    unsigned rises;
};
struct line fake_line(struct fake_line *line);
