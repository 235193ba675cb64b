// What was written over an image; see overlay.h.
#include "devices/disk/overlay.h"
#include "devices/bus/memory.h"
#include <string.h>

enum { PAGE = 4096, MAP_SECTORS = PAGE * 8 /* that a page of the map has bits for */ };

static uint64_t whole_pages(uint64_t bytes) { return (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1); }
static uint64_t map_at(const struct overlay *o) { return whole_pages(o->sectors * OVERLAY_SECTOR); }

uint64_t overlay_bytes(uint64_t disk_bytes) {
    uint64_t sectors = disk_bytes / OVERLAY_SECTOR;
    return whole_pages(disk_bytes) + whole_pages((sectors + 7) / 8);
}

// A page of the map that nothing was stored to is not read: it would become one of the host's, for which there need not
// be room.
static bool map_is_zero(const struct overlay *o, uint64_t sector) {
    struct page_frame map = memory_frame(o->memory, o->base + map_at(o) + sector / 8);
    return page_hash_knows_zero(&o->memory->hash, map.area, map.page);
}

static bool is_written(const struct overlay *o, uint64_t sector) {
    return o->data[map_at(o) + sector / 8] >> sector % 8 & 1;
}

// How many from the first on have no bit, by whole pages of the map.
static uint64_t clear_run(const struct overlay *o, uint64_t first, uint64_t most) {
    uint64_t n = 0;
    while (n < most && map_is_zero(o, first + n)) n += MAP_SECTORS - (first + n) % MAP_SECTORS;
    return n < most ? n : most;
}

// Eight sectors at a time where all of them are alike.
uint64_t overlay_run(const struct overlay *o, uint64_t first, uint64_t most, bool *written) {
    *written = false;
    uint64_t n = o->data ? clear_run(o, first, most) : most;
    if (n == most) return most;
    if (!n) *written = is_written(o, first), n = 1;
    const uint8_t *map = o->data + map_at(o), same = *written ? 0xff : 0;
    while (n < most) {
        if ((first + n) % MAP_SECTORS == 0 && map_is_zero(o, first + n)) {
            if (*written) break;
            n += clear_run(o, first + n, most - n);
        } else if ((first + n) % 8 == 0 && most - n >= 8 && map[(first + n) / 8] == same)
            n += 8;
        else if (is_written(o, first + n) == *written)
            n++;
        else
            break;
    }
    return n;
}

const uint8_t *overlay_sector(const struct overlay *o, uint64_t sector) { return o->data + sector * OVERLAY_SECTOR; }

// As every store to memory: whoever watches pages is told.
static uint8_t *door(struct overlay *o, uint64_t at, uint64_t bytes) {
    return memory_for_writing(o->memory, o->base + at, bytes);
}

uint64_t overlay_map(const struct overlay *o, uint64_t first, uint64_t count, uint64_t *bytes) {
    *bytes = (first + count - 1) / 8 - first / 8 + 1;
    return map_at(o) + first / 8;
}

static void mark(struct overlay *o, uint64_t first, uint64_t count) {
    uint64_t bytes, at = overlay_map(o, first, count, &bytes);
    uint8_t *map = door(o, at, bytes);
    for (uint64_t s = first; s < first + count; s++) map[s / 8 - first / 8] |= (uint8_t)(1u << s % 8);
}

void overlay_store(struct overlay *o, uint64_t first, uint64_t count, const uint8_t *from) {
    uint64_t bytes = count * OVERLAY_SECTOR;
    if (!count) return;
    uint8_t *to = door(o, first * OVERLAY_SECTOR, bytes);
    if (from)
        memcpy(to, from, bytes);
    else
        memset(to, 0, bytes);
    mark(o, first, count);
}

uint64_t overlay_written(const struct overlay *o) {
    uint64_t count = 0;
    bool written;
    for (uint64_t s = 0, n; o->data && s < o->sectors; s += n) {
        n = overlay_run(o, s, o->sectors - s, &written);
        if (written) count += n;
    }
    return count;
}
