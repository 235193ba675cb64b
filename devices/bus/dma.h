// The one door by which anything but a processor reads and writes memory. Copies only: no pointer leaves it, so that an
// IOMMU can stand here that knows who asks; stores pass the door of pages (cpu/pages/pages.h).
#ifndef DEVICES_DMA_H
#define DEVICES_DMA_H
#include "devices/bus/memory.h"

enum { DMA_BOARD = 0xffff }; // the requester of chips that are not on PCI

struct bus_master {     // wiring
    uint16_t requester; // on PCI: bus << 8 | device << 3 | function
    struct memory *memory;
    const uint8_t *command; // its function's command register, whose bit 2 lets it be a bus master; NULL: it always may
};

// False: part of the range is not RAM, or the master may not; nothing was done.
bool dma_read(const struct bus_master *master, uint64_t address, void *to, uint64_t bytes);
bool dma_write(const struct bus_master *master, uint64_t address, const void *from, uint64_t bytes);
bool dma_fill(const struct bus_master *master, uint64_t address, uint8_t byte, uint64_t bytes);
bool dma_reaches(const struct bus_master *master, uint64_t address, uint64_t bytes); // whether a write would be done

#endif
