// Configuration space of one function; see function.h. On the plain board base address registers come up set, as there
// is no firmware to do it. Registers from 40H on that belong to nothing are a store without effect. NOT IMPLEMENTED:
// registers past 255, of which an Express function has none here.
#include "devices/pci/function.h"
#include "cpu/pages/pages.h"
#include <string.h>

enum {
    VENDOR_ID = 0x00,
    DEVICE_ID = 0x02,
    REVISION = 0x08,
    SUBCLASS = 0x0a,
    CLASS = 0x0b,
    CACHE_LINE = 0x0c,
    HEADER = 0x0e,
    SUBSYSTEM_VENDOR = 0x2c,
    SUBSYSTEM = 0x2e,
    ROM_BAR = 0x30,
    CAPABILITIES = 0x34,
    INTERRUPT_PIN = 0x3d,
    DEVICE_SPECIFIC = 0x40,
    BRIDGE_BARS = 2, // of a bridge; ROM_BAR is elsewhere there, and it has none
};
enum { COMMAND_PORTS = 1, COMMAND_MEMORY = 2, STATUS_CAPABILITIES = 0x10, ROM_ENABLE = 1, KIND = 15 };
enum { COMMAND_WRITABLE_LOW = 0x07, COMMAND_WRITABLE_HIGH = 0x05, STATUS_CLEARS = 0xf9 };

enum { QEMU_VENDOR = 0x1af4, QEMU_DEVICE = 0x1100 }; // of whoever has no subsystem IDs of its own

static void put16(uint8_t *at, uint16_t value) { memcpy(at, &value, sizeof value); }
static bool is_bridge(const struct pci_function *f) { return f->identity->header & PCI_HEADER_BRIDGE; }

// --- base address registers ---
static unsigned bar_at(unsigned n) { return n == PCI_ROM ? ROM_BAR : PCI_BAR_0 + 4 * n; }
static bool is_upper_half(const struct pci_identity *id, unsigned n) {
    return n > 0 && n < PCI_BARS && id->bar[n - 1].bytes && id->bar[n - 1].kind & PCI_MEMORY_64;
}

static uint32_t bar(const struct pci_function *f, unsigned n) {
    uint32_t value;
    memcpy(&value, &f->config[bar_at(n)], sizeof value);
    return value;
}

static void set_bar(struct pci_function *f, unsigned n, uint32_t value) {
    const struct pci_bar *b = &f->identity->bar[n];
    if (is_upper_half(f->identity, n)) return;
    uint32_t kind = n == PCI_ROM ? value & ROM_ENABLE : b->kind;
    value = b->bytes ? (value & ~(b->bytes - 1)) | kind : 0;
    memcpy(&f->config[bar_at(n)], &value, sizeof value);
}

static unsigned bars(const struct pci_function *f) { return is_bridge(f) ? BRIDGE_BARS : PCI_BARS + 1; }

static void set_bars(struct pci_function *f) {
    for (unsigned n = 0; n < bars(f); n++) set_bar(f, n, bar(f, n));
}

uint64_t pci_function_base(const struct pci_function *f, unsigned n) {
    const struct pci_bar *b = &f->identity->bar[n];
    uint64_t upper = b->kind & PCI_MEMORY_64 ? (uint64_t)bar(f, n + 1) << 32 : 0;
    return b->bytes ? upper | (bar(f, n) & ~(b->bytes - 1)) : 0;
}

static struct map *map_of(const struct pci_function *f, unsigned n) {
    return f->identity->bar[n].kind & PCI_PORTS ? &f->bus->ports : &f->bus->memory;
}

// It is switched on, does not begin at 0 and is no answer to sizing.
bool pci_function_answers(const struct pci_function *f, unsigned n) {
    const struct pci_bar *b = &f->identity->bar[n];
    uint64_t base = pci_function_base(f, n), last = base + b->bytes - 1;
    bool ports = b->kind & PCI_PORTS, wide = b->kind & PCI_MEMORY_64;
    if (n == PCI_ROM && !(bar(f, n) & ROM_ENABLE)) return false;
    if (!(f->config[PCI_COMMAND] & (ports ? COMMAND_PORTS : COMMAND_MEMORY))) return false;
    return base && last > base && last != ~0ull && (wide || last < UINT32_MAX);
}

// Places the function's registers where the base address registers say, if the command register lets them answer.
static void place(struct pci_function *f) {
    for (unsigned n = 0; n < bars(f); n++)
        if (f->identity->bar[n].bytes)
            map_place(map_of(f, n), f->region[n], pci_function_base(f, n), pci_function_answers(f, n));
    pci_interrupt_place(f, f->identity->msix.vectors && pci_function_answers(f, f->identity->msix.bar));
}

static void written(struct pci_function *f, unsigned first, unsigned size) {
    place(f);
    pci_interrupt_changed(f);
    if (f->identity->config_written) f->identity->config_written(f->chip, first, size);
}

void pci_function_loaded(struct pci_function *f) {
    place(f);
    if (f->identity->config_written) f->identity->config_written(f->chip, 0, PCI_CONFIG);
}

// --- capabilities and registers ---
static void own(struct pci_function *f, unsigned at, const void *initial, const void *writable, unsigned bytes) {
    if (at + bytes > PCI_CONFIG) __builtin_trap(); // a mistake of the device's
    memcpy(&f->config[at], initial, bytes);
    memcpy(&f->writable[at], writable, bytes);
    memset(&f->owned[at], 1, bytes);
}

struct chain {
    struct pci_function *f;
    unsigned free, pointer; // where the next one goes; where its place is written
};

static unsigned add_capability(struct chain *chain, const struct pci_capability *c) {
    struct pci_function *f = chain->f;
    unsigned at = c->at ? c->at : chain->free;
    own(f, at, (const uint8_t[]){c->id, 0}, (const uint8_t[]){0, 0}, 2);
    own(f, at + 2, c->initial, c->writable, c->bytes);
    f->config[chain->pointer] = (uint8_t)at;
    chain->pointer = at + 1;
    if (at + 2 + c->bytes > chain->free) chain->free = (at + 2u + c->bytes + 3) & ~3u;
    return at;
}

enum { CAPABILITY_MSI = 5, CAPABILITY_MSIX = 0x11, MSI_64_BITS = 0x80, MSI_ENABLES = 0x71 };
static void add_msi(struct chain *chain, const struct pci_msi *m) {
    unsigned log = 0;
    while (1u << log < m->vectors) log++;
    const uint8_t initial[12] = {(uint8_t)(MSI_64_BITS | log << 1), 0};
    const uint8_t writable[12] = {MSI_ENABLES, 0, 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    chain->f->msi_at =
        (uint8_t)add_capability(chain, &(struct pci_capability){CAPABILITY_MSI, 12, initial, writable, m->at});
}

static void add_msix(struct chain *chain, const struct pci_msix *m) {
    uint32_t words[2] = {m->table | m->bar, m->pending | m->bar};
    uint8_t initial[10] = {(uint8_t)(m->vectors - 1), 0}, writable[10] = {0, 0xc0};
    memcpy(initial + 2, words, sizeof words);
    chain->f->msix_at =
        (uint8_t)add_capability(chain, &(struct pci_capability){CAPABILITY_MSIX, 10, initial, writable, m->at});
}

// Lays them out one after the other, each at a multiple of four.
static void lay_capabilities(struct pci_function *f) {
    const struct pci_identity *id = f->identity;
    struct chain chain = {f, DEVICE_SPECIFIC, CAPABILITIES};
    for (unsigned i = 0; i < id->capabilities; i++) add_capability(&chain, &id->capability[i]);
    if (id->msix.vectors) add_msix(&chain, &id->msix);
    if (id->msi.vectors) add_msi(&chain, &id->msi);
    if (chain.pointer != CAPABILITIES) f->config[PCI_STATUS] |= STATUS_CAPABILITIES;
}

static void lay_registers(struct pci_function *f) {
    for (unsigned i = 0; i < f->identity->register_count; i++) {
        const struct pci_register *r = &f->identity->registers[i];
        own(f, r->at, &r->initial, &r->writable, r->bytes);
        memcpy(&f->clears[r->at], &r->clears, r->bytes);
    }
}

// --- life ---
void pci_function_init(struct pci_function *f, const struct device *device, void *chip) {
    f->chip = chip;
    for (unsigned n = 0; n < bars(f); n++) {
        const struct pci_bar *b = &f->identity->bar[n];
        if (!b->bytes) continue;
        f->region[n] = map_add(map_of(f, n), &(struct region){.base = f->firmware[n],
                                                              .bytes = b->bytes,
                                                              .device = device,
                                                              .chip = chip,
                                                              .space = (uint8_t)n,
                                                              .widths = b->widths,
                                                              .kind = b->memory ? REGION_MEMORY : REGION_REGISTERS,
                                                              .shows = b->memory ? b->memory->base : 0,
                                                              .priority = PRIORITY_FUNCTION,
                                                              .off = true});
    }
    pci_interrupt_init(f);
}

void pci_function_reset(struct pci_function *f) {
    const struct pci_identity *id = f->identity;
    uint8_t *c = f->config;
    memset(c, 0, PCI_CONFIG);
    put16(c + VENDOR_ID, id->vendor);
    put16(c + DEVICE_ID, id->device);
    put16(c + PCI_COMMAND, id->command);
    put16(c + PCI_STATUS, id->status);
    c[REVISION] = id->revision;
    c[PCI_INTERFACE] = id->interface;
    c[SUBCLASS] = id->subclass;
    c[CLASS] = id->class;
    c[HEADER] = id->header;
    if (!is_bridge(f)) {
        put16(c + SUBSYSTEM_VENDOR, f->name && !id->subsystem_vendor ? QEMU_VENDOR : id->subsystem_vendor);
        put16(c + SUBSYSTEM, f->name && !id->subsystem_vendor ? QEMU_DEVICE : id->subsystem);
    }
    c[INTERRUPT_PIN] = id->pin;
    lay_capabilities(f);
    lay_registers(f);
    for (unsigned n = 0; n < bars(f); n++) set_bar(f, n, f->firmware[n]);
    pci_interrupt_reset(f);
    written(f, 0, PCI_CONFIG);
}

void pci_function_set(struct pci_function *f, unsigned first, unsigned size, uint32_t value) {
    if (first + size <= PCI_CONFIG) memcpy(&f->config[first], &value, size);
}

// --- accesses ---
uint32_t pci_function_read(const struct pci_function *f, unsigned first, unsigned size) {
    uint32_t value = 0;
    for (unsigned byte = 0; byte < size; byte++)
        value |= (uint32_t)f->config[(first + byte) % PCI_CONFIG] << (8 * byte);
    return value;
}

// Identity, class and header registers are read-only; status bits are cleared by writing 1.
static uint8_t writable(const struct pci_function *f, unsigned reg) {
    if (f->owned[reg]) return f->writable[reg];
    if (reg == PCI_COMMAND) return COMMAND_WRITABLE_LOW;
    if (reg == PCI_COMMAND + 1) return COMMAND_WRITABLE_HIGH;
    bool bar = reg >= PCI_BAR_0 && reg < PCI_BAR_0 + 4 * (is_bridge(f) ? BRIDGE_BARS : PCI_BARS);
    bool rom = !is_bridge(f) && reg >= ROM_BAR && reg < ROM_BAR + 4;
    bool store = reg == CACHE_LINE || reg == PCI_INTERRUPT_LINE || reg >= DEVICE_SPECIFIC;
    return store || bar || rom ? 0xff : 0;
}

static uint8_t clears(const struct pci_function *f, unsigned reg) {
    return reg == PCI_STATUS + 1 ? STATUS_CLEARS : f->clears[reg];
}

void pci_function_write(struct pci_function *f, unsigned first, unsigned size, uint64_t value) {
    for (unsigned byte = 0; byte < size; byte++) {
        unsigned reg = (first + byte) % PCI_CONFIG;
        uint8_t mask = writable(f, reg), new = (uint8_t)(value >> (8 * byte));
        f->config[reg] = (uint8_t)(((f->config[reg] & ~mask) | (new &mask)) & ~(new &clears(f, reg)));
    }
    set_bars(f);
    written(f, first, size);
}
