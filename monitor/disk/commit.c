// Writing into an image; see commit.h.
#include "monitor/disk/commit.h"
#include "devices/bus/refuse.h"
#include "monitor/files/files.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool may_be(const struct image *i, const struct drive *d, char why[IMAGE_WHY]) {
    if (i->through) return refuse(why, IMAGE_WHY, "it writes through to %.300s: everything is there", i->path);
    if (!d->overlay.data) return refuse(why, IMAGE_WHY, "it is read-only, and nothing was written");
    return !image_changed(i) || refuse(why, IMAGE_WHY,
                                       "%.300s was changed by others since it was opened: what the guest wrote would "
                                       "not fit to what is there now",
                                       i->path);
}

// The lock that every reader has becomes a writer's, and a reader's again.
static bool lock_alone(const struct image *i) {
    bool alone = !i->locks || flock(i->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (!alone) (void)flock(i->fd, LOCK_SH | LOCK_NB);
    return alone;
}
static void unlock(const struct image *i) {
    if (i->locks) (void)flock(i->fd, LOCK_SH | LOCK_NB);
}

// Sectors that the guest does not see in the file: what it wrote; and what an earlier commit, of what came later or on
// another line of the past, has written over.
static uint64_t run_seen(const struct image *i, const struct overlay *o, uint64_t s, const uint8_t **seen) {
    enum { MOST = 2048, SECTORS = IMAGE_BLOCK / OVERLAY_SECTOR }; // at once; of a block
    bool written;
    uint64_t at = s * OVERLAY_SECTOR, n = overlay_run(o, s, o->sectors - s < MOST ? o->sectors - s : MOST, &written);
    *seen = written ? overlay_sector(o, s) : image_before(i, at);
    if (written || !i->before) return n;
    uint64_t left =
        *seen ? SECTORS - s % SECTORS : (image_next_before(i, at, at + n * OVERLAY_SECTOR) - at) / OVERLAY_SECTOR;
    return left < n ? left : n;
}

static bool lacks(const struct image *i, uint64_t s, const uint8_t *seen) {
    return !image_has(i, s * OVERLAY_SECTOR, OVERLAY_SECTOR, seen);
}

// How many sectors from `s` on are alike: *missing, which the file has otherwise than the guest sees them, or NULL.
static uint64_t run_of(const struct image *i, const struct overlay *o, uint64_t s, const uint8_t **missing) {
    const uint8_t *seen;
    uint64_t n = run_seen(i, o, s, &seen), alike = 1;
    *missing = seen;
    if (!seen || !i->before) return n; // nothing was written into it so far
    bool lacking = lacks(i, s, seen);
    if (!lacking) *missing = NULL;
    while (alike < n && lacks(i, s + alike, seen + alike * OVERLAY_SECTOR) == lacking) alike++;
    return alike;
}

uint64_t image_missing(const struct image *i, const struct drive *d) {
    uint64_t sectors = 0;
    const uint8_t *missing;
    for (uint64_t s = 0, n; d->overlay.data && s < d->overlay.sectors; s += n) {
        n = run_of(i, &d->overlay, s, &missing);
        if (missing) sectors += n;
    }
    return sectors * OVERLAY_SECTOR;
}

// All that the guest sees otherwise than it is there. NULL: done.
static const char *write_back(struct image *i, const struct drive *d, int fd, uint64_t *bytes) {
    const struct overlay *o = &d->overlay;
    const uint8_t *missing;
    for (uint64_t s = 0, n; s < o->sectors; s += n) {
        n = run_of(i, o, s, &missing);
        if (!missing) continue;
        const char *wrong = image_overwrite(i, fd, s * OVERLAY_SECTOR, n * OVERLAY_SECTOR, missing);
        if (wrong) return wrong;
        *bytes += n * OVERLAY_SECTOR;
    }
    return fdatasync(fd) == 0 ? NULL : strerror(errno);
}

bool image_commit(struct image *i, const struct drive *d, uint64_t *bytes, char why[IMAGE_WHY]) {
    *bytes = 0;
    if (!may_be(i, d, why)) return false;
    int fd = files_change(i->fd, i->path);
    if (fd < 0) return refuse(why, IMAGE_WHY, "%.200s: %.300s", i->path, files_why());
    if (!lock_alone(i)) {
        close(fd);
        return refuse(why, IMAGE_WHY, "%.300s: another process uses it", i->path);
    }
    const char *wrong = write_back(i, d, fd, bytes);
    close(fd);
    image_written(i);
    unlock(i);
    if (!wrong) return true;
    return refuse(why, IMAGE_WHY,
                  "%.200s: %.100s after %llu bytes; what the guest wrote is kept, and commit can be tried again",
                  i->path, wrong, (unsigned long long)*bytes);
}
