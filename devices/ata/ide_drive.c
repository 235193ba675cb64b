// ide-hd and ide-cd: a drive on a channel of an IDE controller, or on a port of an AHCI one.
#include "devices/ata/ata.h"
#include "devices/ata/socket.h"
#include "devices/bus/device.h"
#include "devices/bus/slot.h"
#include <stdio.h>
#include <string.h>

struct ide_drive {
    struct ata ata; // architectural, and first
    // wiring: options
    char drive[DRIVE_ID], bus[SLOT_NAME], serial[21], model[41], ver[9];
    uint8_t unit;
    uint32_t bootindex;
};

static const struct device_option options[] = {
    DEVICE_OPTION(struct ide_drive, drive, "ID", TEXT, 0, 0, DRIVE_ID - 1, "the id of a -drive"),
    DEVICE_OPTION(struct ide_drive, bus, "BUS", TEXT, 0, 0, SLOT_NAME - 1, "a bus of a controller, like ide.0"),
    DEVICE_OPTION(struct ide_drive, unit, "UNIT", NUMBER, SLOT_ANY, 0, 1, "0 or 1"),
    DEVICE_OPTION(struct ide_drive, serial, "TEXT", TEXT, 0, 0, 20, "at most 20 characters"),
    DEVICE_OPTION(struct ide_drive, model, "TEXT", TEXT, 0, 0, 40, "at most 40 characters"),
    DEVICE_OPTION(struct ide_drive, ver, "TEXT", TEXT, 0, 0, 8, "at most 8 characters"),
    DEVICE_BOOTINDEX(struct ide_drive),
};

static void choose(char *to, size_t size, const char *option, const char *standard) {
    snprintf(to, size, "%s", *option ? option : standard);
}

// What was left open is what was chosen: so the options tell what the guest sees.
static void choose_options(struct ide_drive *d, const struct slot *slot) {
    snprintf(d->serial, sizeof d->serial, "%s", d->ata.serial);
    snprintf(d->model, sizeof d->model, "%s", d->ata.model);
    snprintf(d->ver, sizeof d->ver, "%s", d->ata.version);
    snprintf(d->bus, sizeof d->bus, "%s", slot->bus);
    d->unit = (uint8_t)slot->unit;
}

// QEMU counts two units for each bus, whether they are there or not.
static void name(struct ide_drive *d, const struct slot *slot, bool disc) {
    char serial[21];
    snprintf(serial, sizeof serial, "QM%05u", 2 * slot->bus_number + slot->unit + 1);
    choose(d->ata.serial, sizeof d->ata.serial, d->serial,
           d->ata.drive && *drive_serial(d->ata.drive) ? drive_serial(d->ata.drive) : serial);
    choose(d->ata.model, sizeof d->ata.model, d->model, disc ? "QEMU DVD-ROM" : "QEMU HARDDISK");
    choose(d->ata.version, sizeof d->ata.version, d->ver, "2.5+");
}

static const char *create(struct ide_drive *d, struct device_host *host, bool disc) {
    struct drive *drive = *d->drive ? device_drive(host, d->drive) : NULL;
    if (*d->drive && !drive) return DEVICE_NO_DRIVE;
    if (!disc && !drive) return "drive is missing";
    const struct slot *slot = slots_take(host->slots, "ide", d->bus, d->unit, d);
    if (!slot)
        return *d->bus ? "bus is one of a controller, with a unit that is free"
                       : "there is no IDE or AHCI controller with a free place";
    const struct ata_socket *socket = slot->socket;
    ata_init(&d->ata, host->clock, drive, disc);
    d->ata.sata = socket->sata;
    name(d, slot, disc);
    choose_options(d, slot);
    socket->plug(socket->owner, socket->unit, &d->ata);
    char path[DEVICE_BOOT_PATH];
    snprintf(path, sizeof path, "drive@%x/disk@%x", slot->channel, slot->unit);
    return device_boots(host, slot->controller, d->bootindex, path);
}

static const char *create_disk(void *chip, struct device_host *host) { return create(chip, host, false); }
static const char *create_disc(void *chip, struct device_host *host) { return create(chip, host, true); }
static void reset(void *chip) { ata_reset(&((struct ide_drive *)chip)->ata, true); }

DEVICE(ide_hd) = {.name = "ide-hd",
                  .help = "a disk on an IDE or AHCI controller",
                  .reset = reset,
                  .state = &ata_state,
                  .bytes = sizeof(struct ide_drive),
                  .option = options,
                  .options = sizeof options / sizeof *options,
                  .create = create_disk};

DEVICE(ide_cd) = {.name = "ide-cd",
                  .help = "a CD-ROM drive on an IDE or AHCI controller",
                  .reset = reset,
                  .state = &ata_state,
                  .bytes = sizeof(struct ide_drive),
                  .option = options,
                  .options = sizeof options / sizeof *options,
                  .create = create_disc};
