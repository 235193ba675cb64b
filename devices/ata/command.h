// The rows of command.def.
#ifndef DEVICES_ATA_COMMAND_H
#define DEVICES_ATA_COMMAND_H
#include "devices/ata/ata.h"

enum { COMMAND_DEVICE_RESET = 0x08, COMMAND_DIAGNOSTIC = 0x90, COMMAND_PACKET = 0xa0 };

enum ata_protocol {
    NON_DATA,
    PIO_IN,
    PIO_OUT,
    DMA_IN,
    DMA_OUT,
    QUEUED_IN,
    QUEUED_OUT,
    PROTOCOLS = 7, // a mask
    MEDIUM = 8,
    BITS_48 = 16,
    BLOCKS = 32,
};
enum ata_who { DISK = 1, PACKET = 2, SATA = 4 };

struct ata_row {
    const char *name;
    uint8_t protocol, who;
    void (*body)(struct ata *ata, const struct ata_row *row);
};

#define ATA_ROW(code, name, protocol, who, body) void command_##body(struct ata *ata, const struct ata_row *row);
#include "devices/ata/command.def"

#endif
