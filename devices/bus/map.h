// What lies at each address, of memory or of ports. A map holds any number of ranges; each may be switched on and off
// and moved at any time (base address registers, the local APIC's page, the display's hole). Where several overlap, the
// one of the highest priority is seen, and of equals the one that was added last.
//
// Nobody keeps what map_find returned beyond the access in hand: an access may move ranges. What the processors derived
// from the map, they forget when `changed` is called.
#ifndef DEVICES_MAP_H
#define DEVICES_MAP_H
#include <stdbool.h>
#include <stdint.h>

struct device;

enum bus_width { WIDTH_1 = 1, WIDTH_2 = 2, WIDTH_4 = 4, WIDTH_8 = 8 };

enum map_priority {
    PRIORITY_FUNCTION = 1, // base address registers: what nothing else of the board claims
    PRIORITY_CHIP,         // fixed registers
    PRIORITY_DEVICE,       // of a device on the ISA bus, by its options
    PRIORITY_RAM,
    PRIORITY_HOLE,      // what the memory controller does not send to RAM
    PRIORITY_SHADOW,    // what it sends to RAM nevertheless
    PRIORITY_PROCESSOR, // the local APIC's page, which no access leaves the processor for
};

enum region_kind {
    REGION_REGISTERS, // of a chip
    REGION_MEMORY,    // accessed without asking anybody; of a read-only area, stores go to the chip, if it has widths
    REGION_NOTHING,   // nothing answers
};

struct region {
    uint64_t base, bytes; // of memory: whole pages
    const struct device *device;
    void *chip;
    uint8_t space;    // which of the chip's register blocks this is
    uint8_t widths;   // enum bus_width, or-ed; 0: it has no registers
    uint8_t kind;     // enum region_kind
    uint8_t priority; // enum map_priority
    bool off;
    uint64_t shows; // REGION_MEMORY: the first of the addresses, as struct memory counts them, that are seen here
};

struct map_segment {
    uint64_t first, last;
    unsigned region;
};

struct map {
    struct region *region;
    unsigned regions, capacity;
    // derived: what is seen, ascending
    struct map_segment *segment;
    unsigned segments;
    uint64_t *edge;
    // wiring
    bool failed;                  // a range could not be added: memory was short
    void (*changed)(void *owner); // what is seen of REGION_MEMORY is not what it was; may be NULL
    void *owner;
};

void map_free(struct map *map);
// The new range's number. Ranges are added while a machine is built: the only time that memory is asked for.
unsigned map_add(struct map *map, const struct region *region);
// Moves a range and switches it on or off.
void map_place(struct map *map, unsigned number, uint64_t base, bool on);
// What is seen at `address`, and from where to where; NULL: nothing.
const struct map_segment *map_find(const struct map *map, uint64_t address);
static inline const struct region *map_region(const struct map *map, const struct map_segment *segment) {
    return &map->region[segment->region];
}

#endif
