// Discs that are put in while a machine runs; see media.h.
#include "monitor/disk/media.h"
#include "devices/bus/refuse.h"
#include "devices/history/input_list.h"
#include "monitor/files/complaint.h"
#include <string.h>

static struct medium_image *medium_at(struct images *images, unsigned number) {
    return number && number <= DRIVE_MEDIA ? &images->medium[number - 1] : NULL;
}

const struct block_back *media_back(void *images, unsigned number) {
    const struct medium_image *m = medium_at(images, number);
    return m && m->known.number ? &m->back : NULL;
}

static bool same_disc(const struct drive_medium *a, const struct drive_medium *b) {
    return a->bytes == b->bytes && a->identity == b->identity && !strcmp(a->name, b->name);
}

static void describe(const struct image *i, unsigned number, struct drive_medium *out) {
    *out = (struct drive_medium){.number = (uint8_t)number, .identity = i->identity};
    out->bytes = (i->bytes + DRIVE_CD_SECTOR - 1) / DRIVE_CD_SECTOR * DRIVE_CD_SECTOR;
    strcpy(out->name, i->path);
}

static void keep(struct images *images, unsigned number, const struct image *i, const struct drive_medium *known) {
    struct medium_image *m = medium_at(images, number);
    *m = (struct medium_image){.image = *i, .known = *known};
    m->image.drive = IMAGE_MEDIA_FIRST + number - 1;
    m->image.watch = images->watch;
    m->back = image_back(&m->image);
}

static bool open_disc(struct image *i, const char *path, bool raw, char why[IMAGE_WHY]) {
    const struct image_wish how = {.raw = raw, .locks = true, .cdrom = true};
    *i = (struct image){.fd = -1};
    if (strlen(path) >= DRIVE_IMAGE) return refuse(why, IMAGE_WHY, "the path has more than 511 bytes");
    bool open = image_open(i, path, &how, why);
    if (open && i->bytes > DRIVE_MEDIUM_BYTES)
        open = refuse(why, IMAGE_WHY, "%.300s: an image has 8 TBytes at most", path);
    if (!open) image_close(i);
    return open;
}

// The image of the same contents that is open already, or the next number.
bool media_open(struct images *images, const char *path, bool raw, struct drive_medium *out, char why[IMAGE_WHY]) {
    struct image i;
    unsigned number = 1;
    if (!open_disc(&i, path, raw, why)) return false;
    for (describe(&i, 0, out); number <= DRIVE_MEDIA && images->medium[number - 1].known.number; number++) {
        if (!same_disc(&images->medium[number - 1].known, out)) continue;
        image_close(&i);
        out->number = (uint8_t)number;
        return true;
    }
    if (number > DRIVE_MEDIA) {
        image_close(&i);
        return refuse(why, IMAGE_WHY, "%d discs were put in already, and all are kept: the past may need them",
                      DRIVE_MEDIA);
    }
    out->number = (uint8_t)number;
    keep(images, number, &i, out);
    return true;
}

// --- what a recording or a snapshot names ---
static bool is_it(const struct image *i, const struct drive_medium *m, const struct images_wish *wish) {
    struct drive_medium now;
    describe(i, m->number, &now);
    if (now.bytes != m->bytes)
        return complain("%s: the disc that was put in had %llu bytes, and this one has %llu: it is another image",
                        m->name, (unsigned long long)m->bytes, (unsigned long long)now.bytes);
    bool must = !wish->compared || (wish->needs && wish->needs(wish->context, IMAGE_MEDIA_FIRST + m->number - 1u));
    return now.identity == m->identity || !must ||
           complain("%s: the disc that was put in had other contents; put a copy from that time there", m->name);
}

static bool expect(struct images *images, const struct drive_medium *medium, const struct images_wish *wish) {
    struct medium_image *m = medium_at(images, medium->number);
    char why[IMAGE_WHY];
    struct image i = {.fd = -1};
    if (!m || (m->known.number && same_disc(&m->known, medium))) return true;
    if (m->known.number) image_close(&m->image);
    m->known.number = 0;
    if (wish->without && wish->without(wish->context, IMAGE_MEDIA_FIRST + medium->number - 1u, &m->back)) {
        m->known = *medium;
        m->image = i;
        return true;
    }
    if (!open_disc(&i, medium->name, true, why)) return complain("the disc that was put in: %s", why);
    if (!is_it(&i, medium, wish)) {
        image_close(&i);
        return false;
    }
    keep(images, medium->number, &i, medium);
    return true;
}

bool media_expect_all(struct images *images, const struct images_wish *wish) {
    struct drive_medium m;
    for (size_t i = 0; i < wish->inputs->count; i++) {
        const struct input *in = &wish->inputs->input[i];
        bool disc = in->kind == INPUT_MEDIUM && in->where && in->where <= DRIVE_MEDIA;
        if (disc && drive_medium_take(&m, in->where, in->data, in->bytes) && !expect(images, &m, wish)) return false;
    }
    return true;
}

bool media_follow(struct images *images, const struct machine *machine) {
    const struct images_wish wish = {0};
    const struct drive *d;
    bool good = true;
    for (unsigned i = 0; images && (d = machine_drive(machine, i)); i++)
        if (d->medium.number && d->medium.number != DRIVE_EMPTY) good &= expect(images, &d->medium, &wish);
    return good;
}

void media_close(struct images *images) {
    for (unsigned i = 0; i < DRIVE_MEDIA; i++) {
        if (images->medium[i].known.number) image_close(&images->medium[i].image);
        images->medium[i].known.number = 0;
    }
}
