// The images of a run's drives; see images.h.
#include "monitor/disk/images.h"
#include "monitor/disk/media.h"
#include "monitor/disk/overlay_file.h"
#include "monitor/files/complaint.h"
#include <string.h>

static const struct drive_wish *wish_for(const struct images_wish *wish, const char *id) {
    for (unsigned i = 0; i < wish->drives; i++)
        if (strcmp(wish->drive[i].config.id, id) == 0) return &wish->drive[i];
    return NULL;
}

static bool goes_through(const struct drive_config *d, const struct drive_wish *w, const struct images_wish *wish) {
    bool asked = w && w->snapshot == DRIVE_OFF && !wish->snapshot && !d->read_only;
    if (asked && wish->history)
        tell(
            "vmxray: drive %s: there is a past to go back to, so %s stays as it is; commit writes what has changed, or "
            "-history 0 lets writes through\n",
            d->id, d->image);
    return asked && !wish->history;
}

// Of a snapshot or a recording: it must be the image that there was.
static bool is_same(const struct drive_config *d, const struct image *i, unsigned number,
                    const struct images_wish *wish) {
    if (!d->identity) return true;
    if (d->bytes != i->bytes)
        return complain("drive %s: %s has %llu bytes, and had %llu then: it is another image", d->id, d->image,
                        (unsigned long long)i->bytes, (unsigned long long)d->bytes);
    if (d->identity == i->identity) return true;
    if (!wish->compared)
        return complain("drive %s: %s has other contents than then: what was on the disk would "
                        "not fit together; use a copy from that time",
                        d->id, d->image);
    return !wish->needs || !wish->needs(wish->context, number) ||
           complain(
               "drive %s: %s has other contents than then, and the recording has only hashes of it; use a copy from "
               "that time, -drive file=COPY,id=%s (with -record FILE,disk=full no image is needed)",
               d->id, d->image, d->id);
}

// One file, by whatever name, is one disk: two that the guest writes would not know of each other.
static bool is_alone(const struct images *images, unsigned number, const struct machine_config *c) {
    const struct image *i = &images->image[number];
    const struct drive_config *d = &c->drive[number];
    for (unsigned n = 0; n < number; n++) {
        const struct image *other = &images->image[n];
        if (!other->path || other->device != i->device || other->inode != i->inode) continue;
        if (!d->read_only || !c->drive[n].read_only)
            return complain("drive %s: %s is drive %s already; make a copy for one of them, or let both be readonly=on",
                            d->id, d->image, c->drive[n].id);
    }
    return true;
}

static bool open_image(struct images *images, unsigned number, struct machine_config *config,
                       const struct images_wish *wish) {
    struct drive_config *d = &config->drive[number];
    char why[IMAGE_WHY];
    struct image *i = &images->image[number];
    const struct drive_wish *w = wish_for(wish, d->id);
    if (w) strcpy(d->image, w->config.image);
    if (!w && wish->without && wish->without(wish->context, number, &d->back)) return true;
    if (!*d->image && d->cdrom) return true; // an empty tray
    if (i->path && strcmp(i->path, d->image) != 0) image_close(i);
    if (!i->path) {
        const struct image_wish how = {goes_through(d, w, wish), w && w->raw, !w || w->locking != DRIVE_OFF, d->cdrom};
        if (!image_open(i, d->image, &how, why)) return complain("%s", why);
    }
    if (i->bytes > MACHINE_DRIVE_BYTES)
        return complain("drive %s: %s has %llu bytes, and an image has 8 TBytes at most", d->id, d->image,
                        (unsigned long long)i->bytes);
    if (!is_same(d, i, number, wish) || (!d->identity && !is_alone(images, number, config))) return false;
    i->drive = number;
    d->bytes = i->bytes;
    if (!wish->compared) d->identity = i->identity;
    i->watch = images->watch;
    d->back = image_back(i);
    return true;
}

static bool connect(struct images *images, unsigned number, struct machine_config *config,
                    const struct images_wish *wish) {
    struct block_back *b = &config->drive[number].back;
    bool open = open_image(images, number, config, wish);
    b->medium = media_back, b->media = images;
    return open;
}

static bool has_drive(const struct machine_config *c, const char *id) {
    for (unsigned i = 0; i < c->drives; i++)
        if (strcmp(c->drive[i].id, id) == 0) return true;
    return false;
}

bool images_connect(struct images *images, struct machine_config *config, const struct images_wish *wish) {
    if (config->drives) overlay_file_open();
    for (unsigned i = 0; i < wish->drives; i++)
        if (!has_drive(config, wish->drive[i].config.id))
            return complain("-%s %s: the machine that is loaded has no drive %s; leave it out", wish->drive[i].option,
                            wish->drive[i].config.image, wish->drive[i].config.id);
    for (unsigned i = 0; i < config->drives; i++) {
        if (i >= images->count) images->image[images->count++] = (struct image){.fd = -1};
        if (!connect(images, i, config, wish)) return false;
    }
    return !wish->inputs || media_expect_all(images, wish);
}

void images_watch(struct images *images, const struct image_watch *watch) {
    if (!images) return;
    images->watch = watch;
    for (unsigned i = 0; i < images->count; i++) images->image[i].watch = watch;
    for (unsigned i = 0; i < DRIVE_MEDIA; i++) images->medium[i].image.watch = watch;
}

bool images_differ(const struct images *images) { return images && images->watch && images->watch->differs; }

void images_close(struct images *images) {
    for (unsigned i = 0; i < images->count; i++) image_close(&images->image[i]);
    media_close(images);
    images->count = 0;
    images->watch = NULL;
}
