// Blocks of images in recordings; see blocks.h.
#include "monitor/session/blocks.h"
#include "monitor/files/behind.h"
#include "monitor/disk/overlay_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)IMAGE_BLOCK == (int)RECORDING_BLOCK_BYTES, "a block is a block");

// --- writing ---
// Whether the block is in the file, and from now on it is. False too when memory is short: it is there twice then.
static bool is_seen(struct blocks *b, unsigned drive, uint64_t block) {
    if (block >= b->room[drive]) {
        uint64_t old = b->room[drive] / 64, room = (block / 64 + 1) * 2;
        uint64_t *more = realloc(b->seen[drive], room * sizeof *more);
        if (!more) return false;
        memset(more + old, 0, (room - old) * sizeof *more);
        b->seen[drive] = more, b->room[drive] = room * 64;
    }
    uint64_t *word = &b->seen[drive][block / 64], bit = 1ull << block % 64;
    bool seen = *word & bit;
    *word |= bit;
    return seen;
}

static const char *write_block(void *context, unsigned drive, uint64_t block, const uint8_t *bytes, uint32_t count) {
    struct blocks *b = context;
    if (is_seen(b, drive, block)) return NULL;
    const struct recording_block r = {.drive = (uint8_t)drive,
                                      .block = block,
                                      .hash = recording_block_hash(bytes, count),
                                      .bytes = count,
                                      .data = b->full ? (uint8_t *)(uintptr_t)bytes : NULL};
    behind_lock(b->to);
    recording_block(b->writer, &r);
    behind_unlock(b->to);
    return NULL;
}

const struct image_watch *blocks_written(struct blocks *b, struct recording_writer *writer, struct behind *to,
                                         bool full) {
    *b = (struct blocks){.watch = {.context = b, .block = write_block}, .writer = writer, .to = to, .full = full};
    return &b->watch;
}

// --- comparing ---
static const char *compare_block(void *context, unsigned drive, uint64_t block, const uint8_t *bytes, uint32_t count) {
    struct blocks *b = context;
    const struct recording_block *r = recording_find_block(b->recording, drive, block);
    if (!r || (r->bytes == count && r->hash == recording_block_hash(bytes, count))) return NULL;
    b->watch.differs = true;
    snprintf(b->why, sizeof b->why, "block %llu (of 4096 bytes) is not what it was when the run was recorded",
             (unsigned long long)block);
    return b->why;
}

const struct image_watch *blocks_expected(struct blocks *b, const struct recording *recording) {
    *b = (struct blocks){.watch = {.context = b, .block = compare_block}, .recording = recording};
    return &b->watch;
}

bool blocks_need_image(const struct recording *r, unsigned drive) {
    for (size_t i = 0; i < r->block_count; i++)
        if (r->block[i].drive == drive && !r->block[i].data) return true;
    return false;
}

void blocks_free(struct blocks *b) {
    for (unsigned i = 0; i < RECORDING_IMAGES; i++) free(b->seen[i]);
    *b = (struct blocks){.writer = NULL};
}

// --- a drive without an image ---
static const char *read_recorded(void *context, uint64_t at, uint64_t bytes, void *to) {
    const struct recorded_drive *d = context;
    for (uint64_t done = 0, n; done < bytes; done += n) {
        uint64_t block = (at + done) / IMAGE_BLOCK, offset = (at + done) % IMAGE_BLOCK;
        const struct recording_block *r = recording_find_block(d->recording, d->drive, block);
        n = IMAGE_BLOCK - offset < bytes - done ? IMAGE_BLOCK - offset : bytes - done;
        if (!r || !r->data) return "the recording does not have it: the run read something else";
        uint64_t there = offset >= r->bytes ? 0 : r->bytes - offset < n ? r->bytes - offset : n;
        memcpy((uint8_t *)to + done, r->data + offset, there);
        memset((uint8_t *)to + done + there, 0, n - there);
    }
    return NULL;
}
static uint8_t *take_overlay(void *context, uint64_t bytes) {
    (void)context;
    return overlay_file_take(bytes);
}
static void give_overlay(void *context, uint8_t *overlay, uint64_t bytes) {
    (void)context;
    overlay_file_give(overlay, bytes);
}
static const char *overlay_room(void *context, uint8_t *overlay, uint64_t at, uint64_t bytes) {
    (void)context;
    return overlay_file_room(overlay, at, bytes);
}

bool blocks_recorded(struct recorded_drive *d, const struct recording *r, unsigned number, struct block_back *out) {
    bool any = false;
    for (size_t i = 0; i < r->block_count && !any; i++) any = r->block[i].drive == number && r->block[i].data;
    *d = (struct recorded_drive){r, number};
    *out = (struct block_back){.context = d,
                               .read = read_recorded,
                               .overlay = take_overlay,
                               .overlay_done = give_overlay,
                               .overlay_room = overlay_room};
    return any;
}
