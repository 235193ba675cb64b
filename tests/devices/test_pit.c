// The 8254 against the data sheet: each mode's output and counting, latches, gates, events.
#include "devices/timer/pit.h"
#include "fake.h"
#include "tests/tap.h"

// Four cycles a tick keep the arithmetic plain.
enum { CYCLES = 4 };
static struct fake fake;
static struct pit pit;
static struct fake_line irq;

static void set(unsigned offset, uint8_t value) { pit_device.write(&pit, 0, offset, 1, value); }
static uint8_t get(unsigned offset) { return (uint8_t)pit_device.read(&pit, 0, offset, 1); }
static void ticks(uint64_t n) { fake_pass(&fake, n * CYCLES); }

static void start(unsigned counter, unsigned mode, uint16_t count) {
    set(3, (uint8_t)(counter << 6 | 3 << 4 | mode << 1));
    set(counter, (uint8_t)count), set(counter, (uint8_t)(count >> 8));
}
static uint16_t latched(unsigned counter) {
    set(3, (uint8_t)(counter << 6));
    uint8_t low = get(counter);
    return (uint16_t)(low | get(counter) << 8);
}

static void begin(void) {
    fake_init(&fake, PIT_HZ * CYCLES);
    pit = (struct pit){.irq = fake_line(&irq)};
    pit_init(&pit, &fake.clock);
    pit_device.reset(&pit);
}

static void mode0(void) {
    begin();
    start(0, 0, 100);
    ok(!irq.level && latched(0) == 100, "mode 0: OUT is low after the count is written");
    ticks(99);
    ok(!irq.level && latched(0) == 1, "mode 0: low until the count is over");
    ticks(1);
    ok(irq.level && latched(0) == 0, "mode 0: then high");
    ticks(10);
    ok(irq.level && latched(0) == 0xfff6, "mode 0: the counter wraps around");
    start(0, 0, 50);
    ok(!irq.level, "mode 0: a new count starts again");
    ticks(1000);
    ok(irq.rises == 3, "mode 0: one interrupt a count"); // one from the reset state
    set(3, 0x30), set(0, 1);
    ticks(2000);
    ok(!irq.level, "mode 0: the first byte of a count stops counting");
}

static void mode2(void) {
    begin();
    start(0, 2, 1000);
    unsigned before = irq.rises;
    ok(irq.level, "mode 2: OUT is high");
    ticks(999);
    ok(!irq.level && latched(0) == 1, "mode 2: low for the last tick");
    ticks(1);
    ok(irq.level && latched(0) == 1000, "mode 2: high and reloaded");
    ticks(9 * 1000);
    ok(irq.rises - before == 10, "mode 2: an interrupt every 1000 ticks");
    ticks(300);
    set(0, 200), set(0, 0);
    ok(latched(0) == 700, "mode 2: a new count waits for the end of the period");
    ticks(700);
    ok(latched(0) == 200, "mode 2: and is loaded there");
    ticks(200);
    ok(latched(0) == 200, "mode 2: the period is the new one");
    start(0, 2, 1);
    before = irq.rises;
    ticks(20);
    ok(irq.rises - before == 10, "mode 2: a count of 1 is illegal, taken as 2");
    start(0, 2, 0);
    ticks(1);
    ok(latched(0) == 0xffff, "a count of 0 means 10000H");
}

static void mode3(void) {
    begin();
    start(0, 3, 10);
    ok(irq.level && latched(0) == 10, "mode 3: high first");
    ticks(4);
    ok(irq.level && latched(0) == 2, "mode 3: counts by two");
    ticks(1);
    ok(!irq.level && latched(0) == 10, "mode 3: low for the second half");
    ticks(5);
    ok(irq.level, "mode 3: high again");
    start(0, 3, 5);
    ticks(2);
    ok(irq.level, "mode 3, odd: high for (N+1)/2");
    ticks(1);
    ok(!irq.level, "mode 3, odd: low for (N-1)/2");
    ticks(2);
    ok(irq.level, "mode 3, odd: period N");
    unsigned before = irq.rises;
    ticks(500);
    ok(irq.rises - before == 100, "mode 3: a rise a period");
}

static void strobes_and_gates(void) {
    begin();
    start(0, 4, 20);
    ticks(19);
    ok(irq.level, "mode 4: high while it counts");
    ticks(1);
    ok(!irq.level, "mode 4: low for one tick");
    ticks(1);
    ok(irq.level, "mode 4: high for ever");
    ok(!pit_out(&pit, 2) || pit.counter[2].mode == 3, "counter 2 has no gate after reset");
    start(2, 0, 100);
    ticks(1000);
    ok(!pit_out(&pit, 2) && latched(2) == 100, "mode 0: nothing is counted while GATE is low");
    pit_gate(&pit, 2, true);
    ticks(60);
    pit_gate(&pit, 2, false);
    ticks(500);
    ok(latched(2) == 40, "mode 0: GATE low holds the count");
    pit_gate(&pit, 2, true);
    ticks(39);
    ok(!pit_out(&pit, 2), "mode 0: it goes on");
    ticks(1);
    ok(pit_out(&pit, 2), "mode 0: to its end");
    pit_gate(&pit, 2, false);
    start(2, 1, 30);
    ok(pit_out(&pit, 2), "mode 1: high until triggered");
    pit_gate(&pit, 2, true);
    ok(!pit_out(&pit, 2), "mode 1: GATE triggers");
    ticks(29);
    pit_gate(&pit, 2, false), pit_gate(&pit, 2, true);
    ticks(29);
    ok(!pit_out(&pit, 2), "mode 1: and retriggers");
    ticks(1);
    ok(pit_out(&pit, 2), "mode 1: the pulse lasts N ticks");
}

static void reading(void) {
    begin();
    start(0, 2, 0x1234);
    set(3, 0x00);
    ticks(5);
    set(3, 0x00);
    uint8_t low = get(0);
    ok((low | get(0) << 8) == 0x1234, "a latched count does not move");
    set(3, 0xc2); // read-back: count and status of counter 0
    ok(get(0) == 0xb4, "read-back status: OUT, access, mode");
    low = get(0);
    ok((low | get(0) << 8) == 0x1234 - 5, "read-back count follows");
    set(3, 0x14), set(0, 99);
    ticks(9);
    ok(get(0) == 90 && get(0) == 90, "access to the low byte only");
    set(3, 0x31), set(0, 0x00), set(0, 0x10);
    ticks(1);
    ok(latched(0) == 0x0999, "BCD: 1000 - 1");
    set(3, 0xe2);
    ok((get(0) & 0x40) == 0, "read-back: the count is loaded");
    set(3, 0x30), set(3, 0xe2);
    ok(get(0) & 0x40, "read-back: null count after a control word");
}

int main(void) {
    mode0();
    mode2();
    mode3();
    strobes_and_gates();
    reading();
    return done_testing();
}
