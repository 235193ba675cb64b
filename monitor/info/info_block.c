// info block: the drives and their images.
#include "devices/disk/drive.h"
#include "monitor/info/info.h"
#include <inttypes.h>

static void print_drive(struct monitor *monitor, const struct drive *d) {
    static const char *const names[DRIVE_INTERFACES] = {"none", "ide", "virtio", "pflash"};
    const struct drive_config *c = &d->config;
    print_in(monitor, BOLD, "%s", c->id);
    print(monitor, ": %s (raw%s)\n", *c->image ? c->image : "[no image]", c->read_only ? ", read-only" : "");
    print(monitor, "    %s of if=%s, place %u, %" PRIu64 " bytes%s\n", c->cdrom ? "CD-ROM" : "disk",
          names[c->interface], c->index, d->bytes, d->taken ? "" : ", which no device has");
    if (d->overlay.data)
        print(monitor, "    written over the image: %" PRIu64 " bytes (commit writes them into it)\n",
              overlay_written(&d->overlay) * OVERLAY_SECTOR);
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
    for (unsigned i = 0; (d = machine_drive(monitor->look.machine, i)); i++) print_drive(monitor, d);
    if (!machine_drive(monitor->look.machine, 0)) print(monitor, "There are no drives.\n");
    return true;
}
