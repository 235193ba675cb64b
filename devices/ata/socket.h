// Where a drive is plugged into its controller.
#ifndef DEVICES_ATA_SOCKET_H
#define DEVICES_ATA_SOCKET_H
#include "devices/ata/ata.h"

struct ata_socket {
    void *owner;
    unsigned unit;
    bool sata;
    void (*plug)(void *owner, unsigned unit, struct ata *ata); // sets ata->link
};

#endif
