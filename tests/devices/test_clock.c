// The clock: exact conversions, deterministic order of timers.
#include "fake.h"
#include "tests/tap.h"
#include <stdlib.h>

static struct fake fake;
static unsigned order[16], fired;
static unsigned numbers[CLOCK_TIMERS];
static uint64_t fired_at[16];

static void fire(void *chip) {
    fired_at[fired % 16] = fake.cycle;
    order[fired++ % 16] = *(unsigned *)chip;
}

static uint64_t random64(void) {
    static uint64_t s = 88172645463325252ull;
    s ^= s << 13, s ^= s >> 7, s ^= s << 17;
    return s;
}

static void conversions(void) {
    static const uint64_t rates[] = {1193182, 32768, 3579545, 1843200, 100000000, 25000000, 1000000000};
    loop_begin("a tick begins at the first cycle that counts it");
    for (unsigned i = 0; i < 200000; i++) {
        fake.clock.hz = 1000000 + random64() % 5000000000ull;
        uint64_t hz = rates[random64() % 7], tick = random64() >> (20 + random64() % 40);
        uint32_t divide = 1u << random64() % 8;
        uint64_t cycle = clock_cycle_of_tick(&fake.clock, tick, hz, divide);
        if (cycle == CLOCK_NEVER || cycle == 0) continue;
        loop_check(clock_ticks(&fake.clock, cycle, hz, divide) >= tick, "tick %lu", (unsigned long)tick);
        loop_check(clock_ticks(&fake.clock, cycle - 1, hz, divide) < tick, "tick %lu", (unsigned long)tick);
    }
    loop_end();
    fake.clock.hz = 2000000000;
    ok(clock_nanoseconds(&fake.clock, 3000000001) == 1500000000, "nanoseconds are rounded down");
    ok(clock_cycle_of_tick(&fake.clock, ~0ull, 1, 128) == CLOCK_NEVER, "a tick beyond the end of time never comes");
    ok(clock_ticks(&fake.clock, ~0ull, 1000000000000ull, 1) > 1ull << 63, "large products do not overflow");
}

static void timers(void) {
    fake_init(&fake, 1000);
    for (unsigned i = 0; i < 4; i++) {
        numbers[i] = i;
        ok(clock_timer_new(&fake.clock, fire, &numbers[i]) == i, "timer %u", i);
    }
    clock_arm(&fake.clock, 3, 50);
    clock_arm(&fake.clock, 1, 50);
    clock_arm(&fake.clock, 2, 40);
    clock_arm(&fake.clock, 0, 60);
    ok(fake.clock.next == 40, "the next deadline is the earliest");
    clock_disarm(&fake.clock, 0);
    fake_pass(&fake, 100);
    ok(fired == 3 && order[0] == 2 && order[1] == 1 && order[2] == 3, "by deadline; equal ones by number");
    ok(fired_at[0] == 40 && fired_at[1] == 50 && fired_at[2] == 50, "at their cycles");
    ok(fake.clock.next == CLOCK_NEVER, "then there is none");
    clock_arm(&fake.clock, 0, 7);
    ok(fake.clock.next == 101, "a deadline in the past is the next cycle");
    clock_arm(&fake.clock, 0, 200);
    ok(fake.clock.next == 200, "a timer has one deadline");
}

int main(void) {
    fake_init(&fake, 1000);
    conversions();
    timers();
    return done_testing();
}
