// pci-testdev through configuration space, ports and memory: base address registers, the header, counted writes.
#include "cpu/state/cpu.h"
#include "devices/board/board.h"
#include "fake.h"
#include "tests/tap.h"
#include <stdlib.h>

static struct fake fake;
static struct memory memory;
static struct board *b;
static struct cpu *cpu;

static void begin(bool testdev) {
    struct machine_config config = {0};
    char error[200] = "";
    if (testdev && !machine_config_device(&config, "pci-testdev", error, sizeof error)) bail("%s", error);
    if (b) board_free(b);
    free(b), free(cpu);
    b = calloc(1, sizeof *b), cpu = calloc(1, sizeof *cpu);
    if (!b || !cpu || (!memory.ram && !memory_init(&memory, 1 << 20))) bail("no memory");
    fake_init(&fake, 1000000000);
    b->clock = fake.clock;
    if (!board_init(b, &config, &memory, error, sizeof error)) bail("%s", error);
    board_reset(b);
}

static uint32_t get(unsigned reg) {
    bus_out(&b->bus, 0xcf8, 4, 0x80001000 | reg);
    return bus_in(&b->bus, 0xcfc, 4);
}
static void set(unsigned reg, uint32_t value) {
    bus_out(&b->bus, 0xcf8, 4, 0x80001000 | reg);
    bus_out(&b->bus, 0xcfc, 4, value);
}
static uint64_t load(uint64_t at, unsigned size) { return bus_read(&b->bus, at, size); }
static void store(uint64_t at, unsigned size, uint64_t value) { bus_write(&b->bus, at, size, value); }

static void configuration(void) {
    begin(false);
    ok(get(0) == UINT32_MAX && bus_in(&b->bus, 0xc000, 4) == UINT32_MAX && load(0xfebf0000, 4) == UINT32_MAX,
       "not there unless asked for");
    begin(true);
    ok(get(0) == 0x00051b36 && get(8) == 0x00ff0000, "vendor 1B36H, device 0005H");
    bus_out(&b->bus, 0xcf8, 4, 0x80001002);
    ok(bus_in(&b->bus, 0xcfc, 2) == 0x0005, "the low bits of the address register choose the byte");
    bus_out(&b->bus, 0xcf8, 4, 0x800010ff);
    ok(bus_in(&b->bus, 0xcfc, 4) != 1, "up to the last one");
    ok(get(0x10) == 0xfebf0000 && get(0x14) == 0xc001 && get(0x18) == 0, "set as firmware would set them");
    set(0x10, UINT32_MAX), set(0x14, UINT32_MAX), set(0x18, UINT32_MAX);
    ok(get(0x10) == 0xfffff000 && get(0x14) == 0xffffff01 && get(0x18) == 0, "sizes: 4096 bytes, 256 ports");
    set(0x10, 0xe0000000), set(0x14, 0xd000);
    store(0xe0000000, 1, 0);
    ok(load(0xe0000001, 1) == 1 && load(0xfebf0001, 1) == 0xff, "moved");
    bus_out(&b->bus, 0xd000, 1, 1);
    ok(bus_in(&b->bus, 0xd001, 1) == 1 && bus_in(&b->bus, 0xc001, 1) == 0xff && load(0xe0000001, 1) == 0,
       "the ports too; one test at a time");
    set(4, 0);
    ok(load(0xe0000001, 1) == 0xff && bus_in(&b->bus, 0xd001, 1) == 0xff, "switched off by the command register");
}

// What kvm-unit-tests do with each test: 16 writes, all counted.
static void counting(void) {
    begin(true);
    const uint64_t base = 0xfebf0000;
    unsigned tests = 0;
    for (;; tests++) {
        store(base, 1, tests);
        if (load(base + 1, 1) == 0) break;
        uint64_t offset = load(base + 4, 4), data = load(base + 8, 4);
        ok(load(base + 12, 4) == 0 && load(base + 1, 1) == 1 && load(base + 16, 1) == 'm', "test %u", tests);
        for (unsigned i = 0; i < 16; i++) store(base + offset, 1, data);
        ok(load(base + 12, 4) == 16, "16 writes counted");
        store(base + offset, 1, data ^ 1), store(base + offset + 1, 1, data);
        ok(load(base + 12, 4) == (tests == 2 ? 16 : 17), "others are not");
    }
    ok(tests == 3, "three tests");
    store(base, 1, 0xff), store(base + 2048, 1, 0xfa);
    ok(load(base + 12, 4) == 0 && load(base + 4095, 1) == 0, "none chosen");
    bus_out(&b->bus, 0xc000, 1, 2);
    bus_out(&b->bus, (uint16_t)(0xc000 + bus_in(&b->bus, 0xc004, 4)), 1, bus_in(&b->bus, 0xc008, 4));
    ok(bus_in(&b->bus, 0xc00c, 4) == 1 && bus_in(&b->bus, 0xc010, 1) == 'p', "by ports");
}

int main(void) {
    configuration();
    counting();
    return done_testing();
}
