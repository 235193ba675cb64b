// commit: what the guest wrote goes into the images.
#include "monitor/disk/commit.h"
#include "devices/machine/machine.h"
#include "monitor/commands/command.h"
#include "monitor/disk/images.h"
#include "monitor/host/parse.h"
#include "monitor/session/blocks.h"
#include "monitor/session/monitor.h"
#include "monitor/session/record.h"
#include <inttypes.h>
#include <string.h>

// Another drive of the same image would see it change.
static const struct image *shared(const struct images *images, const struct image *i) {
    for (unsigned n = 0; n < images->count; n++) {
        const struct image *other = &images->image[n];
        if (other != i && other->path && other->device == i->device && other->inode == i->inode) return other;
    }
    return NULL;
}

// A recording that has only hashes of the image needs it as it is.
static bool is_needed(const struct run *run, unsigned number) {
    const struct options *o = run->options;
    return record_needs_images(run) || (o->recording && blocks_need_image(o->recording, number));
}

static bool commit_drive(struct monitor *monitor, struct images *images, unsigned number) {
    const struct drive *d = machine_drive(monitor->look.machine, number);
    struct image *i = number < images->count ? &images->image[number] : NULL;
    char why[IMAGE_WHY];
    uint64_t bytes;
    if (!i || !i->path)
        return monitor_error(monitor, "commit: drive %s has no image: a recording has it", d->config.id);
    if (shared(images, i))
        return monitor_error(monitor, "commit: drive %s: another drive has the same image; make a copy for it",
                             d->config.id);
    if (is_needed(monitor->run, number))
        return monitor_error(
            monitor,
            "commit: drive %s: the recording has only hashes of %s, and a replay needs it as it is; record "
            "with -record FILE,disk=full, or give the run a copy of the image",
            d->config.id, i->path);
    if (!image_commit(i, d, &bytes, why)) return monitor_error(monitor, "commit: drive %s: %s", d->config.id, why);
    machine_set_identity(monitor->look.machine, number, i->identity);
    if (!bytes) {
        print(monitor, "drive %s: there is nothing to write: all of it is in %s\n", d->config.id, i->path);
        return true;
    }
    print(monitor, "drive %s: %" PRIu64 " bytes are in %s\n", d->config.id, bytes, i->path);
    return true;
}

bool command_commit(struct monitor *monitor, const char *arguments) {
    struct images *images = monitor->run->options->images;
    const struct drive *d;
    char id[DRIVE_ID];
    bool all = !take_word(&arguments, id, sizeof id) || strcmp(id, "all") == 0, any = false, good = true;
    if (*arguments)
        return monitor_error(monitor, "commit takes the ID of one drive, or all: %s is too much", arguments);
    for (unsigned i = 0; images && (d = machine_drive(monitor->look.machine, i)); i++) {
        if (all ? !d->overlay.data : strcmp(d->config.id, id) != 0) continue;
        any = true;
        good &= commit_drive(monitor, images, i);
    }
    if (any) return good;
    return all ? monitor_error(monitor, "commit: no drive has anything to write")
               : monitor_error(monitor, "commit: there is no drive %s (info block lists them)", id);
}
