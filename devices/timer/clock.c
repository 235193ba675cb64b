// Cycles, ticks and timers; see clock.h.
#include "devices/timer/clock.h"

typedef unsigned __int128 uint128_t;

static const struct state_field fields[] = {STATE_ARRAY(struct clock, deadline)};
const struct state_table clock_state = STATE_TABLE("clock", fields);

void clock_init(struct clock *clock, uint64_t hz, uint64_t (*cycles)(void *), void (*earlier)(void *), void *source) {
    *clock = (struct clock){
        .next = CLOCK_NEVER, .hz = hz, .cycles = cycles, .local = cycles, .earlier = earlier, .source = source};
    // 2^62 nanoseconds are 146 years.
    uint128_t end = ((uint128_t)hz << 62) / 1000000000;
    clock->end = end >> 62 ? 1ull << 62 : (uint64_t)end;
    for (unsigned i = 0; i < CLOCK_TIMERS; i++) clock->deadline[i] = CLOCK_NEVER;
}

unsigned clock_timer_new(struct clock *clock, void (*fire)(void *chip), void *chip) {
    if (clock->timers == CLOCK_TIMERS) __builtin_trap(); // a mistake in the board's wiring, not the guest's
    clock->timer[clock->timers] = (struct clock_timer){fire, chip};
    return clock->timers++;
}

uint64_t clock_ticks(const struct clock *clock, uint64_t cycle, uint64_t hz, uint32_t divide) {
    return (uint64_t)((uint128_t)cycle * hz / ((uint128_t)clock->hz * divide));
}

uint64_t clock_cycle_of_tick(const struct clock *clock, uint64_t tick, uint64_t hz, uint32_t divide) {
    // Beyond 2^64 / 10^12 seconds' worth of ticks the product could leave 128 bits: such a tick never comes.
    uint128_t scale = (uint128_t)clock->hz * divide;
    if (scale >> 63 || tick >> 62) return CLOCK_NEVER;
    uint128_t cycle = ((uint128_t)tick * scale + hz - 1) / hz;
    return cycle >= CLOCK_NEVER ? CLOCK_NEVER : (uint64_t)cycle;
}

uint64_t clock_nanoseconds(const struct clock *clock, uint64_t cycle) {
    return clock_ticks(clock, cycle, 1000000000, 1);
}

void clock_derive(struct clock *clock) {
    uint64_t next = CLOCK_NEVER;
    for (unsigned i = 0; i < clock->timers; i++)
        if (clock->deadline[i] < next) next = clock->deadline[i];
    clock->next = next;
}

void clock_arm(struct clock *clock, unsigned timer, uint64_t cycle) {
    uint64_t now = clock_now(clock);
    if (cycle <= now) cycle = now + 1;
    if (clock->deadline[timer] == cycle) return;
    uint64_t before = clock->next;
    clock->deadline[timer] = cycle;
    clock_derive(clock);
    if (clock->next < before && clock->earlier) clock->earlier(clock->source);
}

void clock_disarm(struct clock *clock, unsigned timer) {
    if (clock->deadline[timer] == CLOCK_NEVER) return;
    clock->deadline[timer] = CLOCK_NEVER;
    clock_derive(clock);
}

static unsigned earliest(const struct clock *clock) {
    unsigned best = 0;
    for (unsigned i = 1; i < clock->timers; i++)
        if (clock->deadline[i] < clock->deadline[best]) best = i;
    return best;
}

void clock_run(struct clock *clock) {
    uint64_t now = clock_now(clock);
    while (clock->next <= now && clock->next != CLOCK_NEVER) {
        unsigned timer = earliest(clock);
        clock->deadline[timer] = CLOCK_NEVER;
        clock_derive(clock);
        clock->fired++;
        clock->timer[timer].fire(clock->timer[timer].chip);
    }
}
