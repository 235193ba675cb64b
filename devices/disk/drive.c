// Drives; see drive.h.
#include "devices/disk/drive.h"
#include "cpu/state/state.h"
#include "devices/bus/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct state_field fields[] = {
    STATE_ONE(struct drive, reads),         STATE_ONE(struct drive, read_bytes), STATE_ONE(struct drive, writes),
    STATE_ONE(struct drive, written_bytes), STATE_ONE(struct drive, flushes),
};
const struct state_table drive_state = STATE_COUNTS("drive", fields);

// --- life ---
static bool add_overlay(struct drive *d, struct memory *memory) {
    const struct block_back *b = &d->config.back;
    char name[MEMORY_AREA_NAME];
    uint64_t bytes = overlay_bytes(d->bytes);
    if (!bytes) return true;
    snprintf(name, sizeof name, "disk %s", d->config.id);
    d->overlay.data = b->overlay ? b->overlay(b->context, bytes) : calloc(1, bytes);
    const struct area *a = d->overlay.data ? memory_add_given(memory, name, bytes, d->overlay.data, false) : NULL;
    d->overlay.base = a ? a->base : 0;
    return a;
}

bool drive_init(struct drive *d, const struct drive_config *config, struct memory *memory, uint64_t hz) {
    uint64_t sector = config->cdrom ? DRIVE_CD_SECTOR : DRIVE_SECTOR;
    *d = (struct drive){.config = *config, .hz = hz, .bytes = (config->bytes + sector - 1) / sector * sector};
    d->overlay.sectors = d->bytes / OVERLAY_SECTOR;
    d->overlay.memory = memory;
    return config->back.write || config->read_only || add_overlay(d, memory);
}

void drive_free(struct drive *d) {
    const struct block_back *b = &d->config.back;
    if (d->overlay.data && b->overlay)
        b->overlay_done(b->context, d->overlay.data, overlay_bytes(d->bytes));
    else
        free(d->overlay.data);
    d->overlay.data = NULL;
}

// --- what the host cannot do ---
static bool failed(struct drive *d, const char *what, uint64_t at, uint64_t bytes, const char *why) {
    char text[400];
    if (!why) return false;
    snprintf(text, sizeof text, "drive %s (%.200s): %s %llu bytes at %llu: %.100s", d->config.id,
             d->medium.number ? d->medium.name : d->config.image, what, (unsigned long long)bytes,
             (unsigned long long)at, why);
    d->fail(d->owner, text);
    return true;
}

// --- requests ---
static void worked(const struct drive *d, uint64_t bytes) { pages_work(&d->overlay.memory->pages, bytes); }

static bool possible(const struct drive *d, uint64_t at, uint64_t bytes) {
    return drive_has(d, at, bytes) && at % DRIVE_SECTOR == 0 && bytes % DRIVE_SECTOR == 0;
}

// Of the image that is read now; NULL: there is none.
static const struct block_back *read_from(const struct drive *d) {
    const struct block_back *b = &d->config.back;
    if (!d->medium.number) return b;
    return b->medium ? b->medium(b->media, d->medium.number) : NULL;
}

void drive_want(struct drive *d, uint64_t at, uint64_t bytes) {
    const struct block_back *b = read_from(d);
    if (b && b->want && bytes && possible(d, at, bytes)) b->want(b->context, at, bytes);
}

static bool read_image(struct drive *d, uint64_t at, uint64_t bytes, uint8_t *to) {
    const struct block_back *b = read_from(d);
    return !failed(d, "reading", at, bytes, b && b->read ? b->read(b->context, at, bytes, to) : "there is no image");
}

bool drive_read(struct drive *d, uint64_t at, uint64_t bytes, void *to) {
    if (!possible(d, at, bytes)) return false;
    d->reads++, d->read_bytes += bytes;
    worked(d, bytes);
    uint64_t first = at / DRIVE_SECTOR, left = bytes / DRIVE_SECTOR;
    uint8_t *p = to;
    bool written;
    for (uint64_t n; left; first += n, left -= n, p += n * DRIVE_SECTOR) {
        n = overlay_run(&d->overlay, first, left, &written);
        if (written)
            memcpy(p, overlay_sector(&d->overlay, first), n * DRIVE_SECTOR);
        else if (!read_image(d, first * DRIVE_SECTOR, n * DRIVE_SECTOR, p))
            return false;
    }
    return true;
}

// For the data, and for the bits that say that they are there.
static const char *no_room(const struct drive *d, uint64_t at, uint64_t bytes) {
    const struct block_back *b = &d->config.back;
    uint64_t map_bytes, map = overlay_map(&d->overlay, at / DRIVE_SECTOR, bytes / DRIVE_SECTOR, &map_bytes);
    const char *why = b->overlay_room ? b->overlay_room(b->context, d->overlay.data, at, bytes) : NULL;
    return why || !b->overlay_room ? why : b->overlay_room(b->context, d->overlay.data, map, map_bytes);
}

static bool write_overlay(struct drive *d, uint64_t at, uint64_t bytes, const void *from) {
    if (failed(d, "keeping", at, bytes, no_room(d, at, bytes))) return false;
    overlay_store(&d->overlay, at / DRIVE_SECTOR, bytes / DRIVE_SECTOR, from);
    return true;
}

static bool write_through(struct drive *d, uint64_t at, uint64_t bytes, const uint8_t *from) {
    static const uint8_t zeroes[64 * DRIVE_SECTOR];
    const struct block_back *b = &d->config.back;
    worked(d, bytes);
    for (uint64_t done = 0, n; done < bytes; done += n) {
        n = from || bytes - done < sizeof zeroes ? bytes - done : sizeof zeroes;
        const char *why = b->write(b->context, at + done, n, from ? from + done : zeroes);
        if (failed(d, "writing", at + done, n, why)) return false;
    }
    return true;
}

static bool store(struct drive *d, uint64_t at, uint64_t bytes, const void *from) {
    if (!possible(d, at, bytes) || d->config.read_only) return false;
    d->writes++, d->written_bytes += bytes;
    if (!bytes) return true;
    return d->overlay.data ? write_overlay(d, at, bytes, from) : write_through(d, at, bytes, from);
}

bool drive_write(struct drive *d, uint64_t at, uint64_t bytes, const void *from) { return store(d, at, bytes, from); }
bool drive_zero(struct drive *d, uint64_t at, uint64_t bytes) { return store(d, at, bytes, NULL); }

bool drive_flush(struct drive *d) {
    const struct block_back *b = &d->config.back;
    d->flushes++;
    return !(b->write && b->flush && failed(d, "flushing", 0, d->bytes, b->flush(b->context)));
}
