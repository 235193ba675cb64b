// Images and what is written over them; see fits.h.
#include "monitor/disk/fits.h"
#include <stdio.h>

enum { SECTORS = IMAGE_BLOCK / OVERLAY_SECTOR };

static bool block_fits(const struct image *i, const struct overlay *o, uint64_t block) {
    uint64_t first = block * SECTORS, end = first + SECTORS < o->sectors ? first + SECTORS : o->sectors;
    bool written;
    for (uint64_t s = first, n; s < end; s += n) {
        n = overlay_run(o, s, end - s, &written);
        if (written) continue;
        uint64_t at = s * OVERLAY_SECTOR;
        if (!image_has(i, at, n * OVERLAY_SECTOR, i->before + at)) return false;
    }
    return true;
}

bool image_fits(const struct image *i, const struct drive *d) {
    const uint64_t words = i->before ? i->bytes / IMAGE_BLOCK / 64 + 1 : 0;
    for (uint64_t w = 0; w < words; w++)
        for (uint64_t left = i->has_before[w]; left; left &= left - 1)
            if (!block_fits(i, &d->overlay, w * 64 + (unsigned)__builtin_ctzll(left))) return false;
    return true;
}

bool images_fit(const struct images *images, const struct machine *m, char why[IMAGE_WHY]) {
    const struct drive *d;
    for (unsigned n = 0; images && n < images->count && (d = machine_drive(m, n)); n++) {
        const struct image *i = &images->image[n];
        if (image_fits(i, d)) continue;
        snprintf(
            why, IMAGE_WHY,
            "drive %s: commit has put into %.300s what the guest wrote at a later step, and what was there at this "
            "one is in this process alone; go to the step of commit, or past it",
            d->config.id, i->path);
        return false;
    }
    return true;
}
