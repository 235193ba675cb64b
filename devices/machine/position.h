// A moment of a machine's run, between two things that it does. Steps alone do not name one: idle time passes at one
// step, several processors stand between their turns, and the events of an instruction boundary come before the attempt
// at the instruction. docs/internals/inputs.md has more.
#ifndef DEVICES_MACHINE_POSITION_H
#define DEVICES_MACHINE_POSITION_H
#include <stdbool.h>
#include <stdint.h>

struct position {
    uint64_t cycle;     // of the processor whose turn it is
    uint64_t steps;     // of all processors together
    uint64_t round;     // of several processors: the cycle at which the round of turns ends, or the last one has ended
    uint32_t processor; // whose turn it is
    uint32_t events;    // how many events of this instruction boundary it has taken: 0 before the first one
    bool after_events;  // all of them: the attempt at the instruction follows, whatever else may come
};

static inline bool position_same(const struct position *a, const struct position *b) {
    return a->cycle == b->cycle && a->steps == b->steps && a->round == b->round && a->processor == b->processor &&
           a->events == b->events && a->after_events == b->after_events;
}

// How a position lies to another one.
enum position_order { POSITION_AHEAD, POSITION_HERE, POSITION_BEHIND };
enum position_order position_compare(const struct position *position, const struct position *with);

#endif
