// Guest RAM in the physical address space of a PC: up to 3 GBytes from address 0, the rest from 4 GBytes on; a hole at
// A0000H..BFFFFH for the display.
#ifndef DEVICES_MEMORY_H
#define DEVICES_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_LOW_LIMIT 0xc0000000ull // where the hole for PCI begins
#define MEMORY_HIGH_BASE 0x100000000ull
#define MEMORY_HOLE_BASE 0xa0000ull
#define MEMORY_HOLE_END 0xc0000ull
#define MEMORY_EXTRA_BASE 0xff000000ull // pc-testdev's 64 KBytes
enum { MEMORY_PAGE = 4096, MEMORY_CHUNK = 65536, MEMORY_EXTRA = 65536 };

struct memory {
    uint8_t *ram;     // low, high, extra, one after the other; untouched pages cost nothing
    uint8_t *touched; // derived: chunks that were ever handed out; the others are still zero
    uint64_t low_bytes, high_bytes, extra_bytes;
};

bool memory_init(struct memory *memory, uint64_t bytes, bool extra);
void memory_free(struct memory *memory);
// Host address of a range, NULL unless all of it is RAM.
uint8_t *memory_at(struct memory *memory, uint64_t physical, uint64_t length);
const uint8_t *memory_look(const struct memory *memory, uint64_t physical, uint64_t length); // for those who only read
// The same for the 4-KByte page at `physical`. Whether a processor sees it there is the map's to say (map.h).
uint8_t *memory_page(struct memory *memory, uint64_t physical);
uint64_t memory_hash(const struct memory *memory, uint64_t seed);

#endif
