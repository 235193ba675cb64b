// Port and memory-mapped register accesses; see bus.h.
#include "devices/bus/bus.h"
#include "cpu/state/outcome.h"

void bus_add_ports(struct bus *bus, const struct region *region) {
    if (bus->port_regions == BUS_PORT_REGIONS) __builtin_trap(); // a mistake in the board's wiring, not the guest's
    bus->ports[bus->port_regions++] = *region;
    for (uint64_t i = 0; i < region->bytes; i++)
        bus->port_region[(region->base + i) & 0xffff] = (uint8_t)bus->port_regions;
}

void bus_add_mmio(struct bus *bus, const struct region *region) {
    if (bus->mmio_regions == BUS_MMIO_REGIONS) __builtin_trap();
    bus->mmio[bus->mmio_regions++] = *region;
}

static uint64_t ones(unsigned size) { return BITS(8 * size - 1, 0); }

static bool fits(const struct region *r, uint64_t offset, unsigned size) {
    return r->widths & size && offset % size == 0;
}

static unsigned narrowest(const struct region *r) { return r->widths & -r->widths; }

uint64_t region_read(const struct region *r, uint64_t offset, unsigned size) {
    if (fits(r, offset, size)) return r->device->read(r->chip, r->space, offset, size) & ones(size);
    unsigned word = narrowest(r);
    if (size > 1 && (size > word || offset % word + size > word)) {
        uint64_t low = region_read(r, offset, size / 2);
        return low | region_read(r, offset + size / 2, size / 2) << (4 * size);
    }
    uint64_t start = offset - offset % word;
    return r->device->read(r->chip, r->space, start, word) >> (8 * (offset - start)) & ones(size);
}

void region_write(const struct region *r, uint64_t offset, unsigned size, uint64_t value) {
    if (fits(r, offset, size)) {
        r->device->write(r->chip, r->space, offset, size, value & ones(size));
    } else if (size > narrowest(r)) {
        region_write(r, offset, size / 2, value);
        region_write(r, offset + size / 2, size / 2, value >> (4 * size));
    }
}

static const struct region *movable(const struct bus *bus, bool memory, uint64_t address, unsigned size,
                                    struct region *r) {
    return bus->movable && bus->movable(bus->owner, memory, address, size, r) ? r : NULL;
}

static const struct region *port_find(const struct bus *bus, uint16_t port, unsigned size, struct region *other) {
    unsigned number = bus->port_region[port];
    if (!number) return movable(bus, false, port, size, other);
    const struct region *r = &bus->ports[number - 1];
    return port + size <= r->base + r->bytes ? r : NULL;
}

uint32_t bus_in(const struct bus *bus, uint16_t port, unsigned size) {
    struct region other;
    const struct region *r = port_find(bus, port, size, &other);
    if (r) return (uint32_t)region_read(r, port - r->base, size);
    if (size == 1) return 0xff;
    uint32_t low = bus_in(bus, port, size / 2);
    return low | bus_in(bus, (uint16_t)(port + size / 2), size / 2) << (4 * size);
}

void bus_out(const struct bus *bus, uint16_t port, unsigned size, uint32_t value) {
    struct region other;
    const struct region *r = port_find(bus, port, size, &other);
    if (r) {
        region_write(r, port - r->base, size, value);
    } else if (size > 1) {
        bus_out(bus, port, size / 2, value & (uint32_t)ones(size / 2));
        bus_out(bus, (uint16_t)(port + size / 2), size / 2, value >> (4 * size));
    }
}

static const struct region *mmio_find(const struct bus *bus, uint64_t address, unsigned size, struct region *other) {
    for (unsigned i = 0; i < bus->mmio_regions; i++) {
        const struct region *r = &bus->mmio[i];
        if (address >= r->base && address - r->base + size <= r->bytes) return r;
    }
    return movable(bus, true, address, size, other);
}

uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned size) {
    struct region other;
    const struct region *r = mmio_find(bus, address, size, &other);
    return r ? region_read(r, address - r->base, size) : ones(size);
}

void bus_write(const struct bus *bus, uint64_t address, unsigned size, uint64_t value) {
    struct region other;
    const struct region *r = mmio_find(bus, address, size, &other);
    if (r) region_write(r, address - r->base, size, value);
}
