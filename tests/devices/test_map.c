// The address map: ranges that overlap, move, are switched on and off; compared with a model that looks at every
// address; and when those who derive from it are told.
#include "devices/bus/bus.h"
#include "tests/tap.h"
#include <string.h>

enum { SPACE = 256, RANGES = 40 };
static unsigned told;
static void tell(void *owner) { (void)owner, told++; }

static uint64_t random_state = 1;
static uint64_t next(uint64_t limit) {
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (random_state >> 33) % limit;
}

// The range seen at an address, by looking at each.
static const struct region *model(const struct map *map, uint64_t address) {
    const struct region *best = NULL;
    for (unsigned i = 0; i < map->regions; i++) {
        const struct region *r = &map->region[i];
        bool there = !r->off && address >= r->base && address - r->base < r->bytes;
        if (there && (!best || r->priority >= best->priority)) best = r;
    }
    return best;
}

static bool agrees(const struct map *map, uint64_t base) {
    for (uint64_t i = 0; i < SPACE; i++) {
        const struct map_segment *segment = map_find(map, base + i);
        const struct region *seen = segment ? map_region(map, segment) : NULL;
        if (seen != model(map, base + i)) return false;
        if (!seen) continue;
        uint64_t first = segment->first, last = segment->last;
        if (first > base + i || last < base + i || model(map, first) != seen || model(map, last) != seen) return false;
        if (first && model(map, first - 1) == seen) return false;
        bool up_to_the_end = last == ~0ull || model(map, last + 1) != seen;
        if (!up_to_the_end) return false;
    }
    return true;
}

// A few hundred changes at random, near `base`: at the beginning and at the very end of the address space.
static void changes(uint64_t base) {
    struct map map = {0};
    unsigned wrong = 0;
    for (unsigned i = 0; i < RANGES; i++) {
        struct region r = {
            .base = base + next(SPACE), .bytes = next(SPACE / 2), .priority = (uint8_t)next(4), .off = next(2)};
        if (r.base + r.bytes < r.base) r.bytes = 0 - r.base; // up to the last address
        (void)map_add(&map, &r);
        wrong += !agrees(&map, base);
    }
    for (unsigned i = 0; i < 300; i++) {
        unsigned number = (unsigned)next(RANGES);
        uint64_t room = map.region[number].bytes < SPACE ? SPACE - map.region[number].bytes : 1;
        map_place(&map, number, base + next(room), next(3));
        wrong += !agrees(&map, base);
    }
    ok(!wrong && map.regions == RANGES && !map.failed, "%u ranges moved at random from %llx on", RANGES,
       (unsigned long long)base);
    map_free(&map);
}

static const struct region *seen(const struct map *map, uint64_t address) {
    return map_region(map, map_find(map, address));
}

static void memory_is_told(void) {
    struct map map = {.changed = tell};
    (void)map_add(&map, &(struct region){.bytes = 0x10000, .kind = REGION_MEMORY, .priority = PRIORITY_RAM});
    told = 0;
    unsigned away = map_add(&map, &(struct region){.base = 0x20000, .bytes = 0x1000, .priority = PRIORITY_FUNCTION});
    map_place(&map, away, 0x30000, true);
    ok(told == 0, "registers that move beside memory concern nobody");
    unsigned hole = map_add(
        &map, &(struct region){.base = 0x20000, .bytes = 0x1000, .kind = REGION_NOTHING, .priority = PRIORITY_HOLE});
    map_place(&map, hole, 0x8000, true);
    ok(told == 1 && seen(&map, 0x8000)->kind == REGION_NOTHING && map_find(&map, 0x8000)->last == 0x8fff,
       "a hole in memory does");
    map_place(&map, hole, 0x8000, true);
    ok(told == 1, "once");
    map_place(&map, hole, 0x8000, false);
    ok(told == 2 && seen(&map, 0x8000)->kind == REGION_MEMORY && map_find(&map, 0x8000)->last == 0xffff, "and its end");
    map_free(&map);
}

int main(void) {
    changes(0);
    changes(0xfee00000);
    changes(0 - (uint64_t)SPACE);
    memory_is_told();
    return done_testing();
}
