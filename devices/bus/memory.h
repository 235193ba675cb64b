// Guest memory as areas of pages: RAM, up to 3 GBytes at its physical addresses from 0, the rest from 4 GBytes on; and
// what devices have of their own, apart (cpu/pages/pages.h). What a processor sees of it, and where, is the map's to
// say (map.h).
#ifndef DEVICES_MEMORY_H
#define DEVICES_MEMORY_H
#include "devices/bus/page_hash.h"

#define MEMORY_LOW_LIMIT 0xc0000000ull // where the hole for PCI begins
#define MEMORY_HIGH_BASE 0x100000000ull
#define MEMORY_HOLE_BASE 0xa0000ull // of the display
#define MEMORY_HOLE_END 0xc0000ull
enum { MEMORY_PAGE = 4096, MEMORY_AREA_NAME = 48 };

struct memory {
    struct pages pages;
    uint8_t *ram; // low and high, one after the other; untouched pages cost nothing
    struct page_hash hash;
    uint64_t low_bytes, high_bytes;
    // of areas of devices
    uint8_t *own[PAGES_AREAS];
    char name[PAGES_AREAS][MEMORY_AREA_NAME];
};

// `low_limit`: where RAM below 4 GBytes ends at most; what is more is above 4 GBytes.
bool memory_init_split(struct memory *memory, uint64_t bytes, uint64_t low_limit);
bool memory_init(struct memory *memory,
                 uint64_t bytes); // at MEMORY_LOW_LIMIT. Both: where it stays: it holds its own address
// Another area, of zeros, apart. It is a part of the machine's state; no two have one name. NULL: memory is short, or
// there are too many, or the name is taken.
struct area *memory_add_area(struct memory *memory, const char *name, uint64_t bytes, bool read_only);
// The same over zeros of the caller's, which stay longer than the machine.
struct area *memory_add_given(struct memory *memory, const char *name, uint64_t bytes, uint8_t *data, bool read_only);
const struct area *memory_area(const struct memory *memory, const char *name); // NULL: there is none of this name
void memory_free(struct memory *memory);
// Host address of a range; NULL unless all of it is memory. The second is for a store of the whole range, now: watchers
// are told, and decoded code in it is dropped.
const uint8_t *memory_look(const struct memory *memory, uint64_t physical, uint64_t length);
uint8_t *memory_for_writing(struct memory *memory, uint64_t physical, uint64_t length);
// The page at a physical address, whatever lies over it.
struct page_frame memory_frame(struct memory *memory, uint64_t physical);

#endif
