// Tags of a set-associative memory: caches by lines, TLBs by pages, the cache of decoded micro-operations by windows of
// code. Within a set the one used last comes first; the last one goes.
#ifndef CPU_TIMING_CACHE_H
#define CPU_TIMING_CACHE_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// Four tags at once.
typedef uint32_t tags __attribute__((vector_size(16)));
enum { TAGS = 4 };
#define WAYS_ROOM(ways) (((ways) + TAGS - 1) / TAGS * TAGS) // words of a set

ALWAYS_INLINE tags tags_at(const uint32_t *from) {
    tags t;
    memcpy(&t, from, sizeof t);
    return t;
}

// Where `tag` is, from 1 on; 0: nowhere.
ALWAYS_INLINE unsigned ways_place(const uint32_t *set, unsigned ways, uint32_t tag) {
    tags places = {1, 2, 3, 4}, found = {0};
    for (unsigned at = 0; at < ways; at += TAGS, places += TAGS) found |= (tags)(tags_at(set + at) == tag) & places;
    return found[0] | found[1] | found[2] | found[3];
}

// The first `count` tags move one place back, the last of them goes.
ALWAYS_INLINE void ways_push(uint32_t *set, unsigned ways, unsigned count, uint32_t tag) {
    tags before = {tag, set[0], set[1], set[2]}, places = {0, 1, 2, 3};
    for (unsigned at = 0; at < ways; at += TAGS, places += TAGS) {
        tags now = tags_at(set + at), moves = (tags)(places < count), next = before;
        if (at + TAGS < ways) before = tags_at(set + at + TAGS - 1);
        now = (next & moves) | (now & ~moves);
        memcpy(set + at, &now, sizeof now);
    }
}

// Whether `tag`, which is not 0, is in the set of `ways` tags at `set`; it comes first. `fill`: it comes in if it was
// not.
ALWAYS_INLINE bool ways_use(uint32_t *set, unsigned ways, uint32_t tag, bool fill) {
    if (likely(set[0] == tag)) return true;
    unsigned place = ways_place(set, ways, tag);
    if (place || fill) ways_push(set, ways, place ? place : ways, tag);
    return place != 0;
}

// The tag of a number (line, page) that is hashed with what it belongs to.
ALWAYS_INLINE uint32_t tag_of(uint64_t number) {
    uint32_t tag = (uint32_t)(number ^ number >> 32);
    return tag ? tag : 1;
}

#endif
