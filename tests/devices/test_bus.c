// The bus: widths, partial and floating accesses.
#include "devices/bus/bus.h"
#include "tests/tap.h"
#include <string.h>

static struct bus bus;
static uint8_t cells[64];
static unsigned accesses, last_size;
static uint64_t last_offset;

static uint64_t read_cells(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)chip, (void)space;
    accesses++, last_size = size, last_offset = offset;
    uint64_t v = 0;
    memcpy(&v, cells + offset, size);
    return v;
}
static void write_cells(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)chip, (void)space;
    accesses++, last_size = size, last_offset = offset;
    memcpy(cells + offset, &value, size);
}
static const struct device device = {.name = "cells", .read = read_cells, .write = write_cells};

static void add(struct map *map, uint64_t base, uint64_t bytes, uint8_t widths) {
    (void)map_add(map, &(struct region){.base = base, .bytes = bytes, .device = &device, .widths = widths});
}

static void ports(void) {
    add(&bus.ports, 0x100, 4, WIDTH_1);
    add(&bus.ports, 0x200, 8, WIDTH_4);
    add(&bus.ports, 0x300, 8, WIDTH_1 | WIDTH_2 | WIDTH_4);
    bus_out(&bus, 0x100, 4, 0x44332211);
    ok(accesses == 4 && last_size == 1 && cells[0] == 0x11 && cells[3] == 0x44,
       "OUT of 4 bytes to byte registers is four accesses");
    ok(bus_in(&bus, 0x101, 2) == 0x3322, "IN of 2 bytes from byte registers");
    ok(bus_in(&bus, 0x102, 4) == 0xffff4433, "the part of an access that nothing answers reads as ones");
    ok(bus_in(&bus, 0xffe, 1) == 0xff && bus_in(&bus, 0xffff, 4) == UINT32_MAX, "nothing answers: all ones");
    bus_out(&bus, 0xffff, 4, 1);
    accesses = 0;
    ok(bus_in(&bus, 0x202, 1) == 0x33 && accesses == 1 && last_size == 4 && last_offset == 0,
       "a narrow read takes part of a wide register");
    bus_out(&bus, 0x202, 1, 0x99);
    ok(cells[2] == 0x33, "a narrow write to a wide register is lost");
    accesses = 0;
    ok(bus_in(&bus, 0x202, 4) == 0x4433 && accesses == 2, "an unaligned wide read is made of two parts");
    accesses = 0;
    bus_out(&bus, 0x302, 2, 0xbeef);
    ok(accesses == 1 && last_size == 2 && cells[2] == 0xef && cells[3] == 0xbe,
       "a width that the chip has is one access");
}

static void memory(void) {
    add(&bus.memory, 0xfed00000, 64, WIDTH_4 | WIDTH_8);
    bus_write(&bus, 0xfed00008, 8, 0x0123456789abcdef);
    ok(bus_read(&bus, 0xfed00008, 8) == 0x0123456789abcdef, "8 bytes at once");
    ok(bus_read(&bus, 0xfed0000c, 4) == 0x01234567, "the upper half");
    ok(bus_read(&bus, 0xfed0000a, 2) == 0x89ab, "2 bytes of it");
    ok(bus_read(&bus, 0xfed0003c, 8) == ~0ull, "an access across the region's end");
    ok(bus_read(&bus, 0xfed00040, 4) == UINT32_MAX, "behind the region");
    ok(bus_read(&bus, ~0ull, 8) == ~0ull, "the last address");
    bus_write(&bus, ~0ull, 8, 0);
    bus_write(&bus, 0xfed00040, 4, 0);
}

int main(void) {
    ports();
    memory();
    map_free(&bus.ports), map_free(&bus.memory);
    return done_testing();
}
