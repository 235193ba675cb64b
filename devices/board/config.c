// Filling a configuration; see config.h.
#include "devices/board/config.h"
#include "devices/bus/refuse.h"
#include "devices/board/attach.h"
#include "devices/bus/memory.h"
#include "devices/firmware/flash.h"
#include <stdlib.h>
#include <string.h>

void machine_config_default(struct machine_config *config) {
    *config = (struct machine_config){
        .ram_bytes = 128 << 20, .cpus = 1, .serial_ports = 1, .rtc_epoch = 1704067200, .seed = 1};
}

// As QEMU's machines have it: a q35 keeps the memory of PCI Express (ECAM) free.
enum { ECAM_BYTES = 256 << 20 };
#define ECAM_BASE 0xb0000000ull
uint64_t machine_config_low_limit(const struct machine_config *c) {
    const uint64_t pc_most = 0xe0000000;
    if (c->machine == MACHINE_PC) return c->ram_bytes < pc_most ? pc_most : MEMORY_LOW_LIMIT;
    if (c->machine == MACHINE_Q35) return c->ram_bytes < ECAM_BASE ? ECAM_BASE : 0x80000000;
    return MEMORY_LOW_LIMIT;
}

uint64_t machine_config_window(const struct machine_config *c) {
    if (c->machine == MACHINE_Q35) return ECAM_BASE + ECAM_BYTES;
    uint64_t limit = machine_config_low_limit(c), low = c->ram_bytes < limit ? c->ram_bytes : limit;
    return low > MEMORY_LOW_LIMIT ? limit : MEMORY_LOW_LIMIT;
}

const struct machine_file *machine_config_file(const struct machine_config *config, const char *name) {
    for (unsigned i = 0; i < config->files; i++)
        if (!strcmp(config->file[i].name, name)) return &config->file[i];
    return NULL;
}

bool machine_config_has_firmware(const struct machine_config *config) {
    for (unsigned i = 0; i < config->drives; i++)
        if (config->drive[i].interface == DRIVE_PFLASH && !config->drive[i].index) return true;
    return machine_config_file(config, ROM_FILE);
}

bool machine_config_device(struct machine_config *config, const char *text, char *error, size_t size) {
    const char *options;
    struct device_place place;
    const struct device *kind = device_named(text, &options);
    if (!kind || kind->fixed)
        return refuse(error, size, "no such device is modelled; -device help lists those that are");
    if (config->devices == MACHINE_DEVICES) return refuse(error, size, "there are %d devices already", MACHINE_DEVICES);
    if (strlen(text) >= MACHINE_DEVICE_TEXT) return refuse(error, size, "this is too long");
    void *trial = calloc(1, kind->bytes);
    bool good =
        trial ? device_set_options(kind, trial, options, &place, error, size) : refuse(error, size, "memory is short");
    free(trial);
    if (good) strcpy(config->device[config->devices++], text);
    return good;
}

static bool same_place(const struct drive_config *a, const struct drive_config *b) {
    return a->interface != DRIVE_NONE && a->interface == b->interface && a->index == b->index;
}

bool machine_config_drive(struct machine_config *config, const struct drive_config *drive, char *error, size_t size) {
    if (config->drives == MACHINE_DRIVES) return refuse(error, size, "there are %d drives already", MACHINE_DRIVES);
    if (!drive->id[0]) return refuse(error, size, "it needs an id");
    if (drive->bytes > MACHINE_DRIVE_BYTES) return refuse(error, size, "an image has 8 TBytes at most");
    for (unsigned i = 0; i < config->drives; i++) {
        const struct drive_config *other = &config->drive[i];
        if (same_place(other, drive)) return refuse(error, size, "drive %s has that place already", other->id);
        if (strcmp(other->id, drive->id) == 0)
            return refuse(error, size, "there is a drive named %s already", drive->id);
    }
    config->drive[config->drives] = *drive;
    if (drive->cdrom) config->drive[config->drives].read_only = true;
    config->drives++;
    return true;
}
