// Bus masters; see dma.h. NOT IMPLEMENTED: transfers to the registers of other devices, which nothing here makes.
#include "devices/bus/dma.h"
#include <string.h>

enum { COMMAND_BUS_MASTER = 4 };
// Whether it may be a bus master at all. Memory of devices stands apart from physical addresses.
static bool may(const struct bus_master *master, uint64_t address) {
    return address < PAGES_APART && (!master->command || *master->command & COMMAND_BUS_MASTER);
}
static const uint8_t *look(const struct bus_master *master, uint64_t address, uint64_t bytes) {
    return may(master, address) ? memory_look(master->memory, address, bytes) : NULL;
}
static uint8_t *for_writing(const struct bus_master *master, uint64_t address, uint64_t bytes) {
    return may(master, address) ? memory_for_writing(master->memory, address, bytes) : NULL;
}

bool dma_reaches(const struct bus_master *master, uint64_t address, uint64_t bytes) {
    return look(master, address, bytes);
}

bool dma_read(const struct bus_master *master, uint64_t address, void *to, uint64_t bytes) {
    const uint8_t *from = look(master, address, bytes);
    if (!from) return false;
    pages_work(&master->memory->pages, bytes);
    memcpy(to, from, bytes);
    return true;
}

// `from`: the first bytes of what is stored, at most 8 of them are looked at.
static void tell_points(const struct bus_master *master, uint64_t address, const void *from, uint64_t bytes) {
    struct pages *pages = &master->memory->pages;
    if (pages->points) pages_tell_point(pages, NULL, STORED_BY_DEVICE, address, from, bytes);
}

bool dma_write(const struct bus_master *master, uint64_t address, const void *from, uint64_t bytes) {
    uint8_t *to = for_writing(master, address, bytes);
    if (!to) return false;
    tell_points(master, address, from, bytes);
    memcpy(to, from, bytes);
    return true;
}

bool dma_fill(const struct bus_master *master, uint64_t address, uint8_t byte, uint64_t bytes) {
    uint8_t *to = for_writing(master, address, bytes);
    const uint8_t filled[8] = {byte, byte, byte, byte, byte, byte, byte, byte};
    if (!to) return false;
    tell_points(master, address, filled, bytes);
    memset(to, byte, bytes);
    return true;
}
