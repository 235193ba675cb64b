// Where reads and writes of ports and of memory-mapped registers go.
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H
#include "devices/bus/device.h"
#include "devices/bus/map.h"
#include <stdbool.h>
#include <stdint.h>

struct bus { // all wiring
    struct map ports, memory;
};

uint64_t region_read(const struct region *region, uint64_t offset, unsigned size);
void region_write(const struct region *region, uint64_t offset, unsigned size, uint64_t value);

// A wider access than the chip has is made of several; a narrower read takes part of a wider one, a narrower write is
// lost. Where nothing answers the bus floats: all ones.
uint32_t bus_in(const struct bus *bus, uint16_t port, unsigned size);
void bus_out(const struct bus *bus, uint16_t port, unsigned size, uint32_t value);
uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned size);
void bus_write(const struct bus *bus, uint64_t address, unsigned size, uint64_t value);

#endif
