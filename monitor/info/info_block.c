// info block: the drives and their images.
#include "devices/disk/drive.h"
#include "monitor/disk/commit.h"
#include "monitor/disk/images.h"
#include "monitor/info/info.h"
#include "monitor/session/monitor.h"
#include <inttypes.h>

static void print_written(struct monitor *monitor, const struct drive *d, unsigned number) {
    const struct images *images = monitor->run->options->images;
    const struct image *i = images && number < images->count ? &images->image[number] : NULL;
    uint64_t all = overlay_written(&d->overlay) * OVERLAY_SECTOR, missing = i && i->path ? image_missing(i, d) : all;
    print(monitor, "    written over the image: %" PRIu64 " bytes", all);
    if (all && !missing)
        print(monitor, ", all of which are in it now\n");
    else if (missing < all)
        print(monitor, ", %" PRIu64 " of them not in it yet (commit writes them into it)\n", missing);
    else
        print(monitor, all && i && i->path ? " (commit writes them into it)\n" : "\n");
}

static void print_drive(struct monitor *monitor, const struct drive *d, unsigned number) {
    static const char *const names[DRIVE_INTERFACES] = {"none", "ide", "virtio", "pflash"};
    const struct drive_config *c = &d->config;
    const char *image = d->medium.number ? d->medium.name : c->image;
    print_in(monitor, BOLD, "%s", c->id);
    print(monitor, ": %s (raw%s%s)\n",
          *image     ? image
          : c->cdrom ? "[no disc]"
                     : "[no image]",
          c->read_only ? ", read-only" : "", drive_is_locked(d) ? ", locked by the guest" : "");
    print(monitor, "    %s of if=%s, place %u, %" PRIu64 " bytes%s\n", c->cdrom ? "CD-ROM" : "disk",
          names[c->interface], c->index, drive_bytes(d), d->taken ? "" : ", which no device has");
    if (d->overlay.data)
        print_written(monitor, d, number);
    else if (!c->read_only)
        print(monitor, "    writes go through to the image\n");
    print(monitor,
          "    %" PRIu64 " reads of %" PRIu64 " bytes, %" PRIu64 " writes of %" PRIu64 ", %" PRIu64 " flushes\n",
          d->reads, d->read_bytes, d->writes, d->written_bytes, d->flushes);
}

bool info_block(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    const struct drive *d;
    (void)page;
    if (!take_end(&monitor->look, arguments)) return false;
    for (unsigned i = 0; (d = machine_drive(monitor->look.machine, i)); i++) print_drive(monitor, d, i);
    if (!machine_drive(monitor->look.machine, 0)) print(monitor, "There are no drives.\n");
    return true;
}
