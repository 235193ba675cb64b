// Port and memory-mapped register accesses; see bus.h.
#include "devices/bus/bus.h"
#include "cpu/state/outcome.h"

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

static const struct region *seen_whole(const struct map *map, uint64_t address, unsigned size) {
    const struct map_segment *seen = map_find(map, address);
    return seen && seen->last - address >= size - 1 ? map_region(map, seen) : NULL;
}

// The registers that answer an access of `size` bytes, all of which lie in them; NULL: none.
static const struct region *find(const struct map *map, uint64_t address, unsigned size) {
    const struct region *r = seen_whole(map, address, size);
    return r && r->kind == REGION_REGISTERS ? r : NULL;
}

// The same of a store: also those of a chip behind memory that processors cannot store to.
static const struct region *find_stored(const struct map *map, uint64_t address, unsigned size) {
    const struct region *r = seen_whole(map, address, size);
    return r && r->widths ? r : NULL;
}

uint32_t bus_in(const struct bus *bus, uint16_t port, unsigned size) {
    const struct region *r = find(&bus->ports, port, size);
    if (r) return (uint32_t)region_read(r, port - r->base, size);
    if (size == 1) return 0xff;
    uint32_t low = bus_in(bus, port, size / 2);
    return low | bus_in(bus, (uint16_t)(port + size / 2), size / 2) << (4 * size);
}

void bus_out(const struct bus *bus, uint16_t port, unsigned size, uint32_t value) {
    const struct region *r = find(&bus->ports, port, size);
    if (r) {
        region_write(r, port - r->base, size, value);
    } else if (size > 1) {
        bus_out(bus, port, size / 2, value & (uint32_t)ones(size / 2));
        bus_out(bus, (uint16_t)(port + size / 2), size / 2, value >> (4 * size));
    }
}

uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned size) {
    const struct region *r = find(&bus->memory, address, size);
    return r ? region_read(r, address - r->base, size) : ones(size);
}

void bus_write(const struct bus *bus, uint64_t address, unsigned size, uint64_t value) {
    const struct region *r = find_stored(&bus->memory, address, size);
    if (r) region_write(r, address - r->base, size, value);
}
