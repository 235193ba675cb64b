// An IDE channel: its two devices, and the bus master that moves their data. ATA8-APT clause 9 for the registers;
// Programming Interface for Bus Master IDE Controller, revision 1.0.
#ifndef DEVICES_IDE_H
#define DEVICES_IDE_H
#include "devices/ata/socket.h"
#include "devices/bus/dma.h"
#include "devices/bus/line.h"

struct ide_channel {
    // architectural
    uint8_t selected;        // device 0 or 1
    uint8_t command, status; // of the bus master
    uint32_t table;          // physical region descriptors
    uint32_t entry;          // offset of the next one
    uint32_t address, left;  // of the present one: where its rest is, and how many bytes
    uint8_t last;            // it is the last one
    uint8_t intrq;           // level of the interrupt line
    // wiring
    struct ata *device[2];
    struct ata_socket socket[2];
    struct line irq;
    const struct bus_master *master;
};

void ide_channel_init(struct ide_channel *channel);
void ide_channel_reset(struct ide_channel *channel);
uint32_t ide_read(struct ide_channel *channel, unsigned offset, unsigned size); // of the Command block, 1F0H to 1F7H
void ide_write(struct ide_channel *channel, unsigned offset, unsigned size, uint32_t value);
uint8_t ide_alternate_status(const struct ide_channel *channel); // 3F6H
void ide_control(struct ide_channel *channel, uint8_t value);
uint8_t bus_master_read(const struct ide_channel *channel, unsigned offset); // 8 registers
void bus_master_write(struct ide_channel *channel, unsigned offset, uint8_t value);

// For ide.c.
uint32_t bus_master_move(void *channel, unsigned tag, bool to_memory, void *data, uint32_t bytes);
void bus_master_interrupted(struct ide_channel *channel); // the device's interrupt line has risen

#endif
