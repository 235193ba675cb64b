// Guest memory in the physical address space of a PC, as areas of pages: RAM up to 3 GBytes from address 0, the rest
// from 4 GBytes on, and what pc-testdev has of its own. What a processor sees of it, and where, is the map's to say
// (map.h).
#ifndef DEVICES_MEMORY_H
#define DEVICES_MEMORY_H
#include "devices/bus/page_hash.h"

#define MEMORY_LOW_LIMIT 0xc0000000ull // where the hole for PCI begins
#define MEMORY_HIGH_BASE 0x100000000ull
#define MEMORY_HOLE_BASE 0xa0000ull // of the display
#define MEMORY_HOLE_END 0xc0000ull
#define MEMORY_EXTRA_BASE 0xff000000ull // pc-testdev's 64 KBytes
enum { MEMORY_PAGE = 4096, MEMORY_EXTRA = 65536 };

struct memory {
    struct pages pages;
    uint8_t *ram; // low, high, extra, one after the other; untouched pages cost nothing
    struct page_hash hash;
    uint64_t low_bytes, high_bytes, extra_bytes;
};

bool memory_init(struct memory *memory, uint64_t bytes, bool extra); // where it stays: it holds its own address
void memory_free(struct memory *memory);
// Host address of a range; NULL unless all of it is memory. The second is for a store of the whole range, now: watchers
// are told, and decoded code in it is dropped.
const uint8_t *memory_look(const struct memory *memory, uint64_t physical, uint64_t length);
uint8_t *memory_for_writing(struct memory *memory, uint64_t physical, uint64_t length);
// The page at a physical address, whatever lies over it.
struct page_frame memory_frame(struct memory *memory, uint64_t physical);

#endif
