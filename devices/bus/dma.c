// Bus masters; see dma.h. NOT IMPLEMENTED: transfers to the registers of other devices, which nothing here makes.
#include "devices/bus/dma.h"
#include <string.h>

bool dma_reaches(const struct bus_master *master, uint64_t address, uint64_t bytes) {
    return memory_look(master->memory, address, bytes);
}

bool dma_read(const struct bus_master *master, uint64_t address, void *to, uint64_t bytes) {
    const uint8_t *from = memory_look(master->memory, address, bytes);
    if (from) memcpy(to, from, bytes);
    return from;
}

// `from`: the first bytes of what is stored, at most 8 of them are looked at.
static void tell_points(const struct bus_master *master, uint64_t address, const void *from, uint64_t bytes) {
    struct pages *pages = &master->memory->pages;
    if (pages->points) pages_tell_point(pages, NULL, STORED_BY_DEVICE, address, from, bytes);
}

bool dma_write(const struct bus_master *master, uint64_t address, const void *from, uint64_t bytes) {
    uint8_t *to = memory_for_writing(master->memory, address, bytes);
    if (!to) return false;
    tell_points(master, address, from, bytes);
    memcpy(to, from, bytes);
    return true;
}

bool dma_fill(const struct bus_master *master, uint64_t address, uint8_t byte, uint64_t bytes) {
    uint8_t *to = memory_for_writing(master->memory, address, bytes);
    const uint8_t filled[8] = {byte, byte, byte, byte, byte, byte, byte, byte};
    if (!to) return false;
    tell_points(master, address, filled, bytes);
    memset(to, byte, bytes);
    return true;
}
