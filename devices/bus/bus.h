// Where reads and writes of ports and of memory-mapped registers go.
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H
#include "cpu/state/state.h"
#include <stdbool.h>
#include <stdint.h>

// A kind of chip. `space` tells its register blocks apart; offsets count from the block's start; size is in bytes and
// one of the widths that the region allows, and offsets are aligned to it.
struct device {
    const char *name;
    uint64_t (*read)(void *chip, unsigned space, uint64_t offset, unsigned size);
    void (*write)(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value);
    void (*reset)(void *chip); // hardware reset
    const struct state_table *state;
};

enum bus_width { WIDTH_1 = 1, WIDTH_2 = 2, WIDTH_4 = 4, WIDTH_8 = 8 };

struct region {
    uint64_t base, bytes;
    const struct device *device;
    void *chip;
    uint8_t space;
    uint8_t widths; // enum bus_width, or-ed
};

enum { BUS_PORT_REGIONS = 48, BUS_MMIO_REGIONS = 8 };
struct bus { // all wiring
    struct region ports[BUS_PORT_REGIONS];
    unsigned port_regions;
    uint8_t port_region[0x10000]; // number of the region plus one; 0: nothing answers
    struct region mmio[BUS_MMIO_REGIONS];
    unsigned mmio_regions;
    // What else is there, where the guest can put it: asked where no region above answers. May be NULL.
    bool (*movable)(void *owner, bool memory, uint64_t address, unsigned size, struct region *out);
    void *owner;
};

uint64_t region_read(const struct region *region, uint64_t offset, unsigned size);
void region_write(const struct region *region, uint64_t offset, unsigned size, uint64_t value);

void bus_add_ports(struct bus *bus, const struct region *region);
void bus_add_mmio(struct bus *bus, const struct region *region);

// A wider access than the chip has is made of several; a narrower read takes part of a wider one, a narrower write is
// lost. Where nothing answers the bus floats: all ones.
uint32_t bus_in(const struct bus *bus, uint16_t port, unsigned size);
void bus_out(const struct bus *bus, uint16_t port, unsigned size, uint32_t value);
uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned size);
void bus_write(const struct bus *bus, uint64_t address, unsigned size, uint64_t value);

#endif
