// Tags of a set-associative memory: caches by lines, TLBs by pages, the cache of decoded micro-operations by windows of
// code. Within a set the one used last comes first; the last one goes.
#ifndef CPU_TIMING_CACHE_H
#define CPU_TIMING_CACHE_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// Whether `tag`, which is not 0, is in the set of `ways` tags at `set`; it comes first. `fill`: it comes in if it was
// not.
ALWAYS_INLINE bool ways_use(uint32_t *set, unsigned ways, uint32_t tag, bool fill) {
    if (likely(set[0] == tag)) return true;
    unsigned i = 1;
    while (i < ways && set[i] != tag) i++;
    bool found = i < ways;
    if (!found && !fill) return false;
    memmove(set + 1, set, (found ? i : ways - 1) * sizeof *set);
    set[0] = tag;
    return found;
}

// The tag of a number (line, page) that is hashed with what it belongs to.
ALWAYS_INLINE uint32_t tag_of(uint64_t number) {
    uint32_t tag = (uint32_t)(number ^ number >> 32);
    return tag ? tag : 1;
}

#endif
