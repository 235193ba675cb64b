// Configuration space of one function; see function.h. Base address registers come up set, as there is no firmware to
// do it. Registers from 40H on that belong to no capability are a store without effect. NOT IMPLEMENTED: memory of 64
// bits, prefetchable memory, expansion ROMs.
#include "devices/pci/function.h"
#include "cpu/state/outcome.h"
#include <string.h>

enum {
    VENDOR_ID = 0x00,
    DEVICE_ID = 0x02,
    COMMAND = 0x04,
    STATUS = 0x06,
    REVISION = 0x08,
    INTERFACE = 0x09,
    SUBCLASS = 0x0a,
    CLASS = 0x0b,
    CACHE_LINE = 0x0c,
    LATENCY = 0x0d,
    BAR_FIRST = 0x10,
    BAR_LAST = 0x27,
    SUBSYSTEM_VENDOR = 0x2c,
    SUBSYSTEM = 0x2e,
    CAPABILITIES = 0x34,
    INTERRUPT_LINE = 0x3c,
    INTERRUPT_PIN = 0x3d,
    DEVICE_SPECIFIC = 0x40,
};
enum { COMMAND_PORTS = 1, COMMAND_MEMORY = 2, STATUS_CAPABILITIES = 0x10, BAR_PORTS = 1 };

static void put16(uint8_t *at, uint16_t value) { memcpy(at, &value, sizeof value); }

// --- base address registers ---
static uint32_t bar(const struct pci_function *f, unsigned n) {
    uint32_t value;
    memcpy(&value, &f->config[BAR_FIRST + 4 * n], sizeof value);
    return value;
}

static void set_bar(struct pci_function *f, unsigned n, uint32_t value) {
    const struct pci_bar *b = &f->identity->bar[n];
    value = b->bytes ? (value & ~(b->bytes - 1)) | (b->ports ? BAR_PORTS : 0) : 0;
    memcpy(&f->config[BAR_FIRST + 4 * n], &value, sizeof value);
}

static struct map *map_of(const struct pci_function *f, unsigned n) {
    return f->identity->bar[n].ports ? &f->bus->ports : &f->bus->memory;
}

// Places the function's registers where the base address registers say, if the command register lets them answer.
static void place(struct pci_function *f) {
    for (unsigned n = 0; n < PCI_BARS; n++) {
        const struct pci_bar *b = &f->identity->bar[n];
        if (!b->bytes) continue;
        bool on = f->config[COMMAND] & (b->ports ? COMMAND_PORTS : COMMAND_MEMORY);
        map_place(map_of(f, n), f->region[n], bar(f, n) & ~(b->bytes - 1), on);
    }
}

void pci_function_loaded(struct pci_function *f) { place(f); }

// --- capabilities ---
// Lays them out one after the other, each at a multiple of four. What does not fit is a mistake of the device's.
static void lay_capabilities(struct pci_function *f) {
    unsigned at = DEVICE_SPECIFIC, pointer = CAPABILITIES;
    for (unsigned i = 0; i < f->identity->capabilities; i++) {
        const struct pci_capability *c = &f->identity->capability[i];
        unsigned bytes = 2u + c->bytes;
        if (bytes > PCI_CONFIG - at) __builtin_trap();
        f->config[pointer] = (uint8_t)at;
        f->config[at] = c->id;
        memcpy(&f->config[at + 2], c->initial, c->bytes);
        memcpy(&f->writable[at + 2], c->writable, c->bytes);
        memset(&f->owned[at], 1, bytes);
        pointer = at + 1;
        at = (at + bytes + 3) & ~3u;
    }
}

// --- life ---
void pci_function_init(struct pci_function *f, const struct device *device, void *chip) {
    for (unsigned n = 0; n < PCI_BARS; n++) {
        const struct pci_bar *b = &f->identity->bar[n];
        if (!b->bytes) continue;
        f->region[n] = map_add(map_of(f, n), &(struct region){.base = f->firmware[n],
                                                              .bytes = b->bytes,
                                                              .device = device,
                                                              .chip = chip,
                                                              .space = (uint8_t)n,
                                                              .widths = b->widths,
                                                              .priority = PRIORITY_FUNCTION,
                                                              .off = true});
    }
}

void pci_function_reset(struct pci_function *f) {
    const struct pci_identity *id = f->identity;
    uint8_t *c = f->config;
    memset(c, 0, PCI_CONFIG);
    put16(c + VENDOR_ID, id->vendor);
    put16(c + DEVICE_ID, id->device);
    put16(c + COMMAND, id->command);
    put16(c + STATUS, (uint16_t)(id->status | (id->capabilities ? STATUS_CAPABILITIES : 0)));
    c[REVISION] = id->revision;
    c[INTERFACE] = id->interface;
    c[SUBCLASS] = id->subclass;
    c[CLASS] = id->class;
    put16(c + SUBSYSTEM_VENDOR, id->subsystem_vendor);
    put16(c + SUBSYSTEM, id->subsystem);
    c[INTERRUPT_PIN] = id->pin;
    lay_capabilities(f);
    for (unsigned n = 0; n < PCI_BARS; n++) set_bar(f, n, f->firmware[n]);
    place(f);
}

// --- accesses ---
uint32_t pci_function_read(const struct pci_function *f, unsigned first, unsigned size) {
    uint32_t value = 0;
    for (unsigned byte = 0; byte < size; byte++)
        value |= (uint32_t)f->config[(first + byte) % PCI_CONFIG] << (8 * byte);
    return value;
}

// Identity, class and header registers are read-only; status bits are cleared by writing 1 (none is ever set).
static uint8_t writable(const struct pci_function *f, unsigned reg) {
    bool store = reg == COMMAND || reg == COMMAND + 1 || reg == CACHE_LINE || reg == LATENCY || reg == INTERRUPT_LINE ||
                 reg >= DEVICE_SPECIFIC || (reg >= BAR_FIRST && reg <= BAR_LAST);
    return f->owned[reg] ? f->writable[reg] : store ? 0xff : 0;
}

void pci_function_write(struct pci_function *f, unsigned first, unsigned size, uint64_t value) {
    for (unsigned byte = 0; byte < size; byte++) {
        unsigned reg = (first + byte) % PCI_CONFIG;
        uint8_t mask = writable(f, reg), written = (uint8_t)(value >> (8 * byte));
        f->config[reg] = (uint8_t)((f->config[reg] & ~mask) | (written & mask));
    }
    for (unsigned n = 0; n < PCI_BARS; n++) set_bar(f, n, bar(f, n));
    place(f);
}
