// What a guest wrote over an image: as many bytes as the drive has, and behind them a bit for each sector that was
// written. It is memory like RAM: an area of pages, so it is hashed, and in checkpoints, snapshots and recordings, page
// by page; pages that were never written cost nothing.
#ifndef DEVICES_OVERLAY_H
#define DEVICES_OVERLAY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OVERLAY_SECTOR = 512 };

struct memory;
struct overlay {
    uint8_t *data; // NULL: there is none, and writes go through
    uint64_t sectors;
    struct memory *memory; // whose area it is
    uint64_t base;         // of the area
};

uint64_t overlay_bytes(uint64_t disk_bytes); // of the whole area: whole pages
// How many sectors from the first on, at most `most`, are like it: written or not.
uint64_t overlay_run(const struct overlay *overlay, uint64_t first, uint64_t most, bool *written);
const uint8_t *overlay_sector(const struct overlay *overlay, uint64_t sector);
// A range of sectors is written: zeroes when `from` is NULL.
void overlay_store(struct overlay *overlay, uint64_t first, uint64_t count, const uint8_t *from);
// Where in the area the bits of these sectors are: *bytes of them.
uint64_t overlay_map(const struct overlay *overlay, uint64_t first, uint64_t count, uint64_t *bytes);
uint64_t overlay_written(const struct overlay *overlay); // sectors

#endif
