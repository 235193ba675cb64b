// Ranges and what is seen of them; see map.h. From the ranges the segments are worked out anew whenever one is added or
// moved; an access looks them up by bisection.
#include "devices/bus/map.h"
#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

void map_free(struct map *map) {
    free(map->region);
    free(map->segment);
    free(map->edge);
    map->region = NULL;
    map->segment = NULL;
    map->edge = NULL;
    map->regions = map->capacity = map->segments = 0;
}

static uint64_t last_of(const struct region *r) {
    return r->base + r->bytes - 1 < r->base ? ~0ull : r->base + r->bytes - 1;
}
static bool counts(const struct region *r) { return !r->off && r->bytes; }

// --- what is seen ---
static int compare_edges(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

// The addresses at which some range begins, or has just ended, in ascending order.
static unsigned find_edges(struct map *map) {
    unsigned edges = 0;
    for (unsigned i = 0; i < map->regions; i++) {
        const struct region *r = &map->region[i];
        if (!counts(r)) continue;
        map->edge[edges++] = r->base;
        if (last_of(r) != ~0ull) map->edge[edges++] = last_of(r) + 1;
    }
    if (edges) qsort(map->edge, edges, sizeof *map->edge, compare_edges);
    return edges;
}

// The number of the range that is seen at an address; map->regions: none.
static unsigned seen_at(const struct map *map, uint64_t address) {
    unsigned best = map->regions;
    for (unsigned i = 0; i < map->regions; i++) {
        const struct region *r = &map->region[i];
        if (!counts(r) || address < r->base || address > last_of(r)) continue;
        if (best == map->regions || r->priority >= map->region[best].priority) best = i;
    }
    return best;
}

static void derive(struct map *map) {
    unsigned edges = find_edges(map);
    map->segments = 0;
    for (unsigned i = 0; i < edges; i++) {
        uint64_t first = map->edge[i], last = i + 1 < edges ? map->edge[i + 1] - 1 : ~0ull;
        if (i + 1 < edges && map->edge[i + 1] == first) continue;
        unsigned seen = seen_at(map, first);
        struct map_segment *before = map->segments ? &map->segment[map->segments - 1] : NULL;
        if (seen == map->regions) continue;
        if (before && before->region == seen && before->last == first - 1)
            before->last = last;
        else
            map->segment[map->segments++] = (struct map_segment){first, last, seen};
    }
}

// --- changes ---
static bool overlap(const struct region *a, const struct region *b) {
    return counts(a) && counts(b) && a->base <= last_of(b) && b->base <= last_of(a);
}

// Whether a range is memory, or may hide memory.
static bool touches_memory(const struct map *map, const struct region *region) {
    if (region->kind == REGION_MEMORY && counts(region)) return true;
    for (unsigned i = 0; i < map->regions; i++)
        if (map->region[i].kind == REGION_MEMORY && overlap(&map->region[i], region)) return true;
    return false;
}

static bool grow(struct map *map) {
    if (map->regions < map->capacity) return true;
    unsigned capacity = map->capacity ? 2 * map->capacity : FIRST_CAPACITY;
    struct region *region = realloc(map->region, capacity * sizeof *region);
    if (region) map->region = region;
    uint64_t *edge = realloc(map->edge, 2 * capacity * sizeof *edge);
    if (edge) map->edge = edge;
    struct map_segment *segment = realloc(map->segment, 2 * capacity * sizeof *segment);
    if (segment) map->segment = segment;
    if (!region || !edge || !segment) return false;
    map->capacity = capacity;
    return true;
}

unsigned map_add(struct map *map, const struct region *region) {
    if (!grow(map)) {
        map->failed = true;
        return 0;
    }
    map->region[map->regions++] = *region;
    derive(map);
    if (map->changed && touches_memory(map, region)) map->changed(map->owner);
    return map->regions - 1;
}

void map_place(struct map *map, unsigned number, uint64_t base, bool on) {
    if (number >= map->regions) return; // it could not be added
    struct region *r = &map->region[number];
    if (r->base == base && r->off == !on) return;
    bool memory = touches_memory(map, r);
    r->base = base;
    r->off = !on;
    derive(map);
    if (map->changed && (memory || touches_memory(map, r))) map->changed(map->owner);
}

const struct map_segment *map_find(const struct map *map, uint64_t address) {
    unsigned low = 0, high = map->segments; // the segment is among these, if there is one
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct map_segment *s = &map->segment[middle];
        if (address < s->first) {
            high = middle;
        } else if (address > s->last) {
            low = middle + 1;
        } else {
            return s;
        }
    }
    return NULL;
}
