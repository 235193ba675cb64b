// The memory map that the guest is told of: the BIOS's, less what is ours. INT 15H, AX = E820H (ACPI 6.4, 15.1).
#include "below.h"

enum { RANGES = 80 };
static struct range ranges[RANGES];
static unsigned count;

static void add(uint64_t base, uint64_t end, uint32_t type) {
    if (base >= end) return;
    if (count == RANGES) panic("the memory map has more than %u ranges", RANGES);
    ranges[count++] = (struct range){base, end - base, type};
}

void map_init(const struct loaded *loaded) {
    for (unsigned i = 0; i < loaded->ranges; i++) {
        const struct range *r = &loaded->range[i];
        add(r->base, r->base + r->bytes, r->type);
    }
}

// Each range is cut into what lies below, in and above; what was memory in it becomes reserved.
void map_hide(uint64_t base, uint64_t bytes) {
    struct range old[RANGES];
    unsigned old_count = count;
    uint64_t end = base + bytes;
    memcpy(old, ranges, sizeof old);
    count = 0;
    for (unsigned i = 0; i < old_count; i++) {
        uint64_t from = old[i].base, to = old[i].base + old[i].bytes;
        if (to <= base || from >= end || old[i].type != RANGE_MEMORY) {
            add(from, to, old[i].type);
            continue;
        }
        add(from, base, RANGE_MEMORY);
        add(base > from ? base : from, end < to ? end : to, RANGE_RESERVED);
        add(end, to, RANGE_MEMORY);
    }
}

bool map_range(unsigned number, struct range *out) {
    if (number >= count) return false;
    *out = ranges[number];
    return true;
}

uint64_t map_end_of(uint64_t address) {
    for (unsigned i = 0; i < count; i++)
        if (ranges[i].type == RANGE_MEMORY && address - ranges[i].base < ranges[i].bytes)
            return ranges[i].base + ranges[i].bytes;
    return address;
}
