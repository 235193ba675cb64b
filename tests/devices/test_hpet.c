// The HPET: main counter, one-shot, periodic and 32-bit comparators, level interrupts, legacy replacement.
#include "devices/timer/hpet.h"
#include "cpu/state/outcome.h"
#include "fake.h"
#include "tests/tap.h"

enum { CYCLES = 10 };
static struct fake fake;
static struct hpet hpet;
static unsigned rises[32], legacy_changes;
static bool level[32];

static void interrupt(void *owner, unsigned input, bool on) {
    (void)owner;
    if (on && !level[input]) rises[input]++;
    level[input] = on;
}
static void legacy(void *owner, bool on) { (void)owner, (void)on, legacy_changes++; }

static uint64_t get(unsigned reg) { return hpet_device.read(&hpet, 0, reg, 8); }
static void set(unsigned reg, uint64_t value) { hpet_device.write(&hpet, 0, reg, 8, value); }
static void set32(unsigned reg, uint64_t value) { hpet_device.write(&hpet, 0, reg, 4, value); }
static void ticks(uint64_t n) { fake_pass(&fake, n * CYCLES); }

static void begin(void) {
    fake_init(&fake, HPET_HZ * CYCLES);
    hpet = (struct hpet){.interrupt = interrupt, .legacy = legacy};
    for (unsigned i = 0; i < 32; i++) rises[i] = 0, level[i] = false;
    hpet_init(&hpet, &fake.clock);
    hpet_device.reset(&hpet);
}

static void counter(void) {
    begin();
    ok(get(0) >> 32 == 10000000, "the period is 10 ns");
    ok((get(0) & 0xffffffff) == 0x8086a201, "three timers of 64 bits, legacy replacement");
    ticks(50);
    ok(get(0xf0) == 0, "halted after reset");
    set(0x10, 1);
    ticks(50);
    ok(get(0xf0) == 50 && hpet_device.read(&hpet, 0, 0xf4, 4) == 0, "it counts");
    set(0x10, 0);
    ticks(50);
    ok(get(0xf0) == 50, "it halts");
    set(0xf0, 0xfffffffff0), set(0x10, 1);
    ticks(0x20);
    ok(get(0xf0) == 0x10000000010, "it counts 64 bits");
    ok(hpet_device.read(&hpet, 0, 0xf4, 4) == 0x100, "the upper half alone");
    set(0, 0);
    ok(get(0) >> 32 == 10000000, "capabilities are read-only");
}

static void comparators(void) {
    begin();
    set(0x10, 1);
    set(0x140, 20 << 9 | 4), set(0x148, 100);
    ticks(99);
    ok(rises[20] == 0, "one-shot: not yet");
    ticks(1);
    ok(rises[20] == 1 && !level[20], "one-shot: an edge");
    ticks(1000);
    ok(rises[20] == 1, "one-shot: once");
    set(0x120, 21 << 9 | 6), set(0x128, get(0xf0) + 10);
    ticks(10);
    ok(level[21] && get(0x20) == 2, "level: status and line");
    set(0x20, 2);
    ok(!level[21] && get(0x20) == 0, "writing 1 clears both");
    set(0x100, 22 << 9 | 0x4c), set(0x108, get(0xf0) + 100), set(0x108, 50);
    ticks(100);
    ok(rises[22] == 1, "periodic: the first");
    ticks(500);
    ok(rises[22] == 11, "periodic: then every 50 ticks, was %u", rises[22]);
    set(0x100, 22 << 9);
    ticks(500);
    ok(rises[22] == 11, "disabled");
    ok((get(0x100) & 0x8030) == 0x30, "periodic and 64-bit capable, no FSB");
    begin();
    set(0x100, 22 << 9 | 0x14c), set32(0x108, 100), set32(0x108, 50), set(0x10, 1);
    ticks(200);
    ok(rises[22] == 3, "periodic in 32-bit mode, with 32-bit writes, as Linux programs it");
    begin();
    set(0xf0, 0xffffff00), set(0x10, 1), set(0x140, 23 << 9 | 0x104), set(0x148, 0x10);
    ticks(0x110);
    ok(rises[23] == 1, "32-bit mode matches after the wrap");
}

static void replacement(void) {
    begin();
    set(0x100, 22 << 9 | 4), set(0x108, 100), set(0x120, 4), set(0x128, 100);
    set(0x10, 3);
    ok(legacy_changes == 1, "the others lose their lines");
    ticks(100);
    ok(rises[0] == 1 && rises[8] == 1 && rises[22] == 0, "timer 0 is IRQ 0, timer 1 is IRQ 8");
    hpet_device.reset(&hpet);
    ok(legacy_changes == 2, "reset gives them back");
}

int main(void) {
    counter();
    comparators();
    replacement();
    return done_testing();
}
