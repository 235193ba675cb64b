// eject and change: discs of CD-ROM drives, as somebody in front of the machine handles them. Each is an input, which a
// recording keeps.
#include "monitor/disk/media.h"
#include "devices/machine/machine_input.h"
#include "monitor/host/parse.h"
#include "monitor/session/monitor.h"
#include <string.h>

struct hand {
    struct monitor *monitor;
    const char *command;
    char id[DRIVE_ID];
    char file[DRIVE_IMAGE];
    bool force, raw;
    unsigned number; // of the drive
    const struct drive *drive;
};

static bool find_drive(struct hand *h) {
    for (h->number = 0; (h->drive = machine_drive(h->monitor->look.machine, h->number)); h->number++)
        if (strcmp(h->drive->config.id, h->id) == 0) break;
    if (!h->drive)
        return monitor_error(h->monitor, "%s: there is no drive %s (info block lists them)", h->command, h->id);
    if (!h->drive->config.cdrom)
        return monitor_error(h->monitor, "%s: drive %s is no CD-ROM: its medium cannot be changed", h->command, h->id);
    return h->drive->tray.changed || monitor_error(h->monitor, "%s: no device has drive %s", h->command, h->id);
}

static bool give(struct hand *h, uint64_t what, const struct drive_medium *medium) {
    uint8_t data[DRIVE_MEDIUM_DATA];
    struct input input = {.kind = INPUT_MEDIUM, .unit = (uint8_t)h->number, .where = what, .data = data};
    input.bytes = medium ? drive_medium_put(medium, data) : 0;
    if (!machine_alter(h->monitor->look.machine, &input))
        return monitor_error(h->monitor, "%s: the drive cannot be touched here: what was recorded is replayed",
                             h->command);
    monitor_alters(h->monitor);
    return true;
}

// A drive that the guest has locked stays shut; the guest hears of the button.
static bool is_open_to(struct hand *h) {
    if (!drive_is_locked(h->drive) || h->force) return true;
    return give(h, DRIVE_BUTTON, NULL) &&
           monitor_error(h->monitor,
                         "%s: the guest has locked drive %s; it was told that the button was pressed: try again when "
                         "it has opened the tray, or use -f",
                         h->command, h->id);
}

static bool take_out(struct hand *h) {
    const struct drive *d = h->drive;
    bool had = drive_bytes(d);
    if (!is_open_to(h) || !give(h, DRIVE_EMPTY, NULL)) return false;
    print(h->monitor, "drive %s: the tray is open%s\n", h->id, had ? ", and the disc is out" : "");
    return true;
}

static bool put_in(struct hand *h) {
    struct images *images = h->monitor->run->options->images;
    struct drive_medium medium;
    char why[IMAGE_WHY];
    if (!images) return monitor_error(h->monitor, "change: this run has no images");
    if (!is_open_to(h)) return false;
    if (!media_open(images, h->file, h->raw, &medium, why)) return monitor_error(h->monitor, "change: %s", why);
    if (!give(h, medium.number, &medium)) return false;
    print(h->monitor, "drive %s: %s is in it, %llu bytes\n", h->id, h->file, (unsigned long long)medium.bytes);
    return true;
}

static bool take_force(struct hand *h, const char **arguments) {
    char word[8];
    const char *rest = *arguments;
    if (!take_word(&rest, word, sizeof word) || strcmp(word, "-f") != 0) return false;
    *arguments = rest;
    return h->force = true;
}

bool command_eject(struct monitor *monitor, const char *arguments) {
    struct hand h = {.monitor = monitor, .command = "eject"};
    (void)take_force(&h, &arguments);
    if (!take_word(&arguments, h.id, sizeof h.id)) return monitor_error(monitor, "eject what? eject [-f] ID");
    if (*arguments) return monitor_error(monitor, "eject takes the ID of one drive: %s is too much", arguments);
    return find_drive(&h) && take_out(&h);
}

bool command_change(struct monitor *monitor, const char *arguments) {
    struct hand h = {.monitor = monitor, .command = "change"};
    char word[16];
    (void)take_force(&h, &arguments);
    if (!take_word(&arguments, h.id, sizeof h.id)) return monitor_error(monitor, "change what? change [-f] ID FILE");
    (void)take_force(&h, &arguments);
    if (!take_word(&arguments, h.file, sizeof h.file))
        return monitor_error(monitor, "change: which image? change %s FILE", h.id);
    if (take_word(&arguments, word, sizeof word)) {
        h.raw = strcmp(word, "raw") == 0;
        if (!h.raw)
            return monitor_error(monitor, "change: images are read as raw, which is all that may follow FILE, not %s",
                                 word);
    }
    if (*arguments && strcmp(arguments, "read-only") != 0 && strcmp(arguments, "retain") != 0)
        return monitor_error(monitor, "change: %s is too much", arguments);
    return find_drive(&h) && put_in(&h);
}
