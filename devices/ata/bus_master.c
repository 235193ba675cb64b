// The bus master of an IDE channel: Programming Interface for Bus Master IDE Controller, revision 1.0. A table of
// physical region descriptors lies within 64 KBytes; each has an address, a count (0: 64 KBytes) and, in its bit 31 of
// the second word, the end of the table.
#include "devices/ata/ide.h"

#define START BIT(0)
#define TO_MEMORY BIT(3)
#define ACTIVE BIT(0) // status
#define FAILED BIT(1)
#define INTERRUPT BIT(2)
#define CAPABLE (BIT(5) | BIT(6)) // of drives 0 and 1: for firmware to say

void bus_master_interrupted(struct ide_channel *c) {
    c->status |= INTERRUPT;
    if (c->last && !c->left) c->status &= (uint8_t)~ACTIVE;
}

static void fail(struct ide_channel *c) { c->status = (uint8_t)((c->status & ~ACTIVE) | FAILED); }

// The next descriptor. False: there is none.
static bool fetch(struct ide_channel *c) {
    uint32_t descriptor[2];
    if (c->last) {
        c->status &= (uint8_t)~ACTIVE;
        return false;
    }
    if (!dma_read(c->master, (c->table & ~0xffffu) | ((c->table + c->entry) & 0xffff), descriptor, sizeof descriptor)) {
        fail(c);
        return false;
    }
    c->entry = (c->entry + 8) & 0xffff;
    c->address = descriptor[0] & ~1u;
    c->left = descriptor[1] & 0xfffe ? descriptor[1] & 0xfffe : 0x10000;
    c->last = (uint8_t)(descriptor[1] >> 31);
    return true;
}

// Each turn moves two bytes at least, so there are never more than half as many as there are bytes.
uint32_t bus_master_move(void *owner, unsigned tag, bool to_memory, void *data, uint32_t bytes) {
    (void)tag;
    struct ide_channel *c = owner;
    uint32_t moved = 0;
    if (!(c->command & START) || !(c->status & ACTIVE) || to_memory != !!(c->command & TO_MEMORY)) return 0;
    while (moved < bytes && (c->left || fetch(c))) {
        uint32_t n = c->left < bytes - moved ? c->left : bytes - moved;
        uint8_t *at = (uint8_t *)data + moved;
        if (!(to_memory ? dma_write(c->master, c->address, at, n) : dma_read(c->master, c->address, at, n))) {
            fail(c);
            break;
        }
        moved += n, c->address += n, c->left -= n;
    }
    return moved;
}

uint8_t bus_master_read(const struct ide_channel *c, unsigned offset) {
    switch (offset) {
    case 0: return c->command;
    case 2: return c->status;
    case 4:
    case 5:
    case 6:
    case 7: return (uint8_t)(c->table >> 8 * (offset - 4));
    default: return 0xff;
    }
}

static void start_stop(struct ide_channel *c, uint8_t value) {
    bool begins = value & ~c->command & START;
    c->command = value & (START | TO_MEMORY);
    if (!(value & START)) c->status &= (uint8_t)~ACTIVE;
    if (!begins) return;
    c->status |= ACTIVE;
    c->entry = c->left = c->last = 0;
    if (c->device[c->selected]) ata_resume(c->device[c->selected]);
}

void bus_master_write(struct ide_channel *c, unsigned offset, uint8_t value) {
    if (offset == 0) {
        start_stop(c, value);
    } else if (offset == 2) {
        c->status = (uint8_t)((c->status & ~CAPABLE & ~(value & (FAILED | INTERRUPT))) | (value & CAPABLE));
    } else if (offset >= 4) {
        unsigned shift = 8 * (offset - 4);
        c->table = ((c->table & ~(0xffu << shift)) | (uint32_t)value << shift) & ~3u;
    }
}
