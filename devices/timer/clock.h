// The machine's clock: cycles, what other frequencies make of them, and the timers of the chips.
//
// Time is the number of cycles since the machine was built; nothing else. A chip with a frequency of its own counts
// ticks: tick n begins at the first cycle c with c * frequency >= n * cycle frequency. Both ways are exact integers.
#ifndef DEVICES_CLOCK_H
#define DEVICES_CLOCK_H
#include "cpu/state/state.h"
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER (~0ull)
enum { CLOCK_TIMERS = 96 }; // one for each local APIC, and of the other chips

struct clock_timer {
    void (*fire)(void *chip);
    void *chip;
};

struct clock {
    // architectural
    uint64_t deadline[CLOCK_TIMERS]; // cycle at which each timer fires
    // derived
    uint64_t next;  // the earliest deadline
    uint64_t fired; // statistics
    // wiring
    uint64_t hz;                      // cycles per second
    uint64_t end;                     // the last cycle: beyond it ticks and nanoseconds would leave their 64 bits
    uint64_t (*cycles)(void *source); // the present cycle
    uint64_t (*local)(void *source);  // the same in the time of the processor in whose turn it is; see turns.c
    void (*earlier)(void *source);    // `next` moved towards the present; may be NULL
    void *source;
    struct clock_timer timer[CLOCK_TIMERS];
    unsigned timers;
};
extern const struct state_table clock_state;

void clock_init(struct clock *clock, uint64_t hz, uint64_t (*cycles)(void *), void (*earlier)(void *), void *source);
// Timers are numbered in the order of their creation, which is also the order in which equal deadlines fire.
unsigned clock_timer_new(struct clock *clock, void (*fire)(void *chip), void *chip);

static inline uint64_t clock_now(const struct clock *clock) { return clock->cycles(clock->source); }
static inline uint64_t clock_local(const struct clock *clock) { return clock->local(clock->source); }
// Ticks of a frequency `hz` divided by `divide` that have begun by a cycle, and the first cycle of a tick.
uint64_t clock_ticks(const struct clock *clock, uint64_t cycle, uint64_t hz, uint32_t divide);
uint64_t clock_cycle_of_tick(const struct clock *clock, uint64_t tick, uint64_t hz, uint32_t divide);
uint64_t clock_nanoseconds(const struct clock *clock, uint64_t cycle);

// A deadline that is not in the future becomes the next cycle.
void clock_arm(struct clock *clock, unsigned timer, uint64_t cycle);
void clock_disarm(struct clock *clock, unsigned timer);
// Fires every timer whose deadline has come.
void clock_run(struct clock *clock);
// After the deadlines were loaded.
void clock_derive(struct clock *clock);

#endif
