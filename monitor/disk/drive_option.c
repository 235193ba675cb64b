// The text of -drive; see drive_option.h. What only decides how QEMU does it is accepted without effect.
#include "monitor/disk/drive_option.h"
#include "devices/bus/refuse.h"
#include "devices/bus/device.h"
#include "monitor/host/parse.h"
#include <stdio.h>
#include <string.h>

enum { VALUE = DRIVE_IMAGE + 64, IDE_UNITS = 2, CD_INDEX = 2 };

// --- values: each says what is right, where it is not ---
struct taking {
    struct drive_wish *wish;
    char *error;
    size_t size;
};

static bool take_text(struct taking *t, char *to, size_t room, const char *value, const char *wanted) {
    if (!*value || strlen(value) >= room) return refuse(t->error, t->size, "%s", wanted);
    strcpy(to, value);
    return true;
}

static bool take_file(struct taking *t, const char *value) {
    return take_text(t, t->wish->config.image, DRIVE_IMAGE, value, "file is a path of at most 511 bytes");
}

static bool take_serial(struct taking *t, const char *value) {
    return take_text(t, t->wish->config.serial, DRIVE_SERIAL, value, "serial is a text of at most 20 characters");
}

static bool take_id(struct taking *t, const char *value) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    const char *wanted = "id begins with a letter, and has letters, digits, - . and _, at most 31 in all";
    if (!*value || !strchr(letters, *value) || value[strspn(value, others)])
        return refuse(t->error, t->size, "%s", wanted);
    return take_text(t, t->wish->config.id, DRIVE_ID, value, wanted);
}

static bool take_if(struct taking *t, const char *value) {
    static const char *const names[DRIVE_INTERFACES] = {"none", "ide", "virtio", "pflash"};
    for (unsigned i = 0; i < DRIVE_INTERFACES; i++)
        if (strcmp(value, names[i]) == 0) {
            t->wish->config.interface = (uint8_t)i;
            return true;
        }
    return refuse(t->error, t->size, "if is ide, virtio, pflash or none");
}

static bool take_format(struct taking *t, const char *value) {
    t->wish->raw = strcmp(value, "raw") == 0;
    return t->wish->raw ||
           refuse(t->error, t->size, "only raw images are read; qemu-img convert -O raw IMAGE NEW makes one of it");
}

static bool take_media(struct taking *t, const char *value) {
    t->wish->config.cdrom = strcmp(value, "cdrom") == 0;
    return t->wish->config.cdrom || strcmp(value, "disk") == 0 || refuse(t->error, t->size, "media is disk or cdrom");
}

static bool take_switch(struct taking *t, const char *name, const char *value, uint8_t *to) {
    *to = strcmp(value, "on") == 0 ? DRIVE_ON : DRIVE_OFF;
    return *to == DRIVE_ON || strcmp(value, "off") == 0 || refuse(t->error, t->size, "%s is on or off", name);
}

static bool take_readonly(struct taking *t, const char *value) {
    uint8_t on;
    if (!take_switch(t, "readonly", value, &on)) return false;
    t->wish->config.read_only = on == DRIVE_ON;
    return true;
}

static bool take_snapshot(struct taking *t, const char *value) {
    return take_switch(t, "snapshot", value, &t->wish->snapshot);
}

static bool take_locking(struct taking *t, const char *value) {
    if (strcmp(value, "auto") == 0) return true;
    return take_switch(t, "file.locking", value, &t->wish->locking);
}

static bool take_number(struct taking *t, const char *name, const char *value, uint64_t most, int *to) {
    uint64_t number;
    if (!parse_number(value, &number) || number > most)
        return refuse(t->error, t->size, "%s is a number from 0 to %u", name, (unsigned)most);
    *to = (int)number;
    return true;
}
static bool take_index(struct taking *t, const char *value) {
    return take_number(t, "index", value, MACHINE_DRIVES - 1, &t->wish->index);
}
static bool take_bus(struct taking *t, const char *value) {
    return take_number(t, "bus", value, MACHINE_DRIVES / IDE_UNITS - 1, &t->wish->bus);
}
static bool take_unit(struct taking *t, const char *value) {
    return take_number(t, "unit", value, IDE_UNITS - 1, &t->wish->unit);
}
static bool take_nothing(struct taking *t, const char *value) {
    (void)t, (void)value;
    return true;
}

static const struct key {
    const char *name;
    bool (*take)(struct taking *taking, const char *value);
} keys[] = {{"file", take_file},
            {"if", take_if},
            {"format", take_format},
            {"driver", take_format},
            {"media", take_media},
            {"readonly", take_readonly},
            {"read-only", take_readonly},
            {"snapshot", take_snapshot},
            {"serial", take_serial},
            {"id", take_id},
            {"index", take_index},
            {"bus", take_bus},
            {"unit", take_unit},
            {"file.locking", take_locking},
            {"file.filename", take_file},
            {"cache", take_nothing},
            {"aio", take_nothing},
            {"discard", take_nothing},
            {"detect-zeroes", take_nothing},
            {"werror", take_nothing},
            {"rerror", take_nothing},
            {"copy-on-read", take_nothing},
            {"auto-read-only", take_nothing}};
enum { KEYS = sizeof keys / sizeof *keys };

static bool refuse_key(struct taking *t, const char *name) {
    const char *nearest = NULL;
    unsigned best = PARSE_FAR, distance;
    for (unsigned i = 0; i < KEYS; i++)
        if ((distance = parse_distance(name, keys[i].name)) < best) best = distance, nearest = keys[i].name;
    if (nearest) return refuse(t->error, t->size, "%.40s is no property of drives; did you mean %s?", name, nearest);
    return refuse(t->error, t->size,
                  "%.40s is no property of drives; file, if, format, media, readonly, snapshot, serial, id, index, bus "
                  "and unit are",
                  name);
}

static bool take_item(struct taking *t, char *item, uint32_t *seen) {
    char *equals = strchr(item, '=');
    if (equals) *equals = '\0';
    for (unsigned i = 0; i < KEYS; i++) {
        if (strcmp(item, keys[i].name) != 0) continue;
        if (*seen & 1u << i) return refuse(t->error, t->size, "%s is there twice; give it once", item);
        *seen |= 1u << i;
        return keys[i].take(t, equals ? equals + 1 : "on");
    }
    return refuse_key(t, item);
}

// --- one drive ---
static bool is_whole(const struct drive_wish *w, char *error, size_t size) {
    if (!*w->config.image && !w->config.cdrom) return refuse(error, size, "which image? write file=PATH");
    if (w->index >= 0 && (w->bus >= 0 || w->unit >= 0))
        return refuse(error, size, "index and bus with unit say the same; leave one out");
    return true;
}

bool drive_option_take(const char *text, struct drive_wish *w, char *error, size_t size) {
    char item[VALUE];
    uint32_t seen = 0;
    *w = (struct drive_wish){.option = "drive", .index = -1, .bus = -1, .unit = -1};
    w->config.interface = DRIVE_IDE;
    struct taking taking = {w, error, size};
    while (parse_item(&text, item, sizeof item))
        if (!take_item(&taking, item, &seen)) return false;
    return is_whole(w, error, size);
}

bool drive_option_file(const char *path, int index, bool cdrom, struct drive_wish *w, char *error, size_t size) {
    *w = (struct drive_wish){.index = index, .bus = -1, .unit = -1};
    w->config.interface = DRIVE_IDE;
    w->config.cdrom = cdrom;
    struct taking taking = {w, error, size};
    return take_file(&taking, path);
}

// --- all of them ---
static bool is_free(const struct machine_config *c, unsigned interface, unsigned index) {
    for (unsigned i = 0; i < c->drives; i++)
        if (c->drive[i].interface == interface && c->drive[i].index == index) return false;
    return true;
}

// Of a bus: two drives on each channel of IDE, one on each port of AHCI.
static unsigned units(const struct machine_config *c) { return c->machine == MACHINE_Q35 ? 1 : IDE_UNITS; }

// Those that say where they are come first; then the others take what is free. A CD-ROM begins at -hdc's place.
static void place(struct drive_wish *w, const struct machine_config *c) {
    unsigned index = w->index >= 0 ? (unsigned)w->index : w->config.cdrom ? CD_INDEX : 0;
    if (w->bus >= 0 || w->unit >= 0)
        index = units(c) * (w->bus < 0 ? 0 : (unsigned)w->bus) + (w->unit < 0 ? 0 : (unsigned)w->unit);
    else if (w->index < 0)
        while (!is_free(c, w->config.interface, index)) index++;
    w->config.index = (uint8_t)index;
}

static void name(struct drive_config *d, const struct machine_config *c) {
    const char *kind = d->cdrom ? "cd" : "hd";
    if (*d->id) return;
    if (d->interface == DRIVE_IDE)
        snprintf(d->id, sizeof d->id, "ide%u-%s%u", d->index / units(c), kind, d->index % units(c));
    else
        snprintf(d->id, sizeof d->id, "%s%u",
                 d->interface == DRIVE_VIRTIO   ? "virtio"
                 : d->interface == DRIVE_PFLASH ? "pflash"
                                                : "none",
                 d->index);
}

static bool add(struct drive_wish *w, struct machine_config *c, char *error, size_t size) {
    char why[200];
    place(w, c);
    name(&w->config, c);
    if (machine_config_drive(c, &w->config, why, sizeof why)) return true;
    return refuse(error, size, "-%s %.100s: %s", w->option, w->config.image, why);
}

static bool has_place(const struct drive_wish *w) { return w->index >= 0 || w->bus >= 0 || w->unit >= 0; }

// A card for each drive of if=virtio that no -device names.
static bool add_card(const struct drive_config *d, struct machine_config *c, char *error, size_t size) {
    char text[MACHINE_DEVICE_TEXT], why[200], word[64];
    snprintf(word, sizeof word, "drive=%s", d->id);
    for (unsigned i = 0; i < c->devices; i++) {
        const char *at = strstr(c->device[i], word);
        if (at && (at[strlen(word)] == '\0' || at[strlen(word)] == ',')) return true;
    }
    snprintf(text, sizeof text, "virtio-blk-pci,%s", word);
    return machine_config_device(c, text, why, sizeof why) ||
           refuse(error, size, "drive %s of if=virtio: %s", d->id, why);
}

static bool has_kind(const char *kind) {
    const struct device *k;
    for (unsigned i = 0; (k = machine_device_kind(i)); i++)
        if (strcmp(k->name, kind) == 0) return true;
    return false;
}

static bool has_device(const struct machine_config *c, const char *kind) {
    size_t length = strlen(kind);
    for (unsigned i = 0; i < c->devices; i++)
        if (strncmp(c->device[i], kind, length) == 0 && (!c->device[i][length] || c->device[i][length] == ','))
            return true;
    return false;
}

// The plain board has no disk controller of its own.
static bool add_controller(const struct drive_wish *w, struct machine_config *c, char *error, size_t size) {
    static const char kind[] = "piix3-ide";
    char why[200];
    if (c->machine != MACHINE_PLAIN || has_device(c, kind)) return true;
    if (!has_kind(kind))
        return refuse(error, size, "-%s %.100s: this machine has no IDE; -drive file=%.100s,if=virtio is a disk for it",
                      w->option, w->config.image, w->config.image);
    return machine_config_device(c, kind, why, sizeof why) || refuse(error, size, "-device %s: %s", kind, why);
}

static bool has_drive(const struct machine_config *c, const char *id) {
    for (unsigned i = 0; i < c->drives; i++)
        if (strcmp(c->drive[i].id, id) == 0) return true;
    return false;
}

// What -device names is there.
static bool has_named(const struct machine_config *c, const char *device, char *error, size_t size) {
    char item[MACHINE_DEVICE_TEXT];
    for (const char *list = device; parse_item(&list, item, sizeof item);)
        if (strncmp(item, "drive=", 6) == 0 && !has_drive(c, item + 6))
            return refuse(error, size, "-device %.100s: no -drive has id=%.40s", device, item + 6);
    return true;
}

bool drive_options_plan(struct drive_wish *wish, unsigned count, struct machine_config *c, char *error, size_t size) {
    for (unsigned placed = 2; placed-- > 0;)
        for (unsigned i = 0; i < count; i++)
            if (has_place(&wish[i]) == placed && !add(&wish[i], c, error, size)) return false;
    for (unsigned i = 0; i < count; i++)
        if (wish[i].config.interface == DRIVE_IDE && !add_controller(&wish[i], c, error, size)) return false;
    for (unsigned i = 0; i < c->drives; i++)
        if (c->drive[i].interface == DRIVE_VIRTIO && !add_card(&c->drive[i], c, error, size)) return false;
    for (unsigned i = 0; i < c->devices; i++)
        if (!has_named(c, c->device[i], error, size)) return false;
    return true;
}
