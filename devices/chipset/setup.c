// As SeaBIOS leaves the chipset (its src/fw/pciinit.c was looked at for the values). Memory goes downwards from the end
// of its window, first what is not prefetchable; ports go upwards. What finds no place stays unset.
#include "devices/chipset/setup.h"
#include <string.h>

enum {
    HEADER_TYPE = 0x0e,
    PRIMARY = 0x18,
    IO_BASE = 0x1c,
    MEMORY_BASE = 0x20,
    PREFETCH_BASE = 0x24,
    BASE_CLASS = 0x0b
};
enum { COMMAND_PORTS = 1, COMMAND_MEMORY = 2, VENDOR_INTEL = 0x8086, PORTS_END = 0x10000 };
enum { IO_GRANULE = 0x1000, MEMORY_GRANULE = 1 << 20, CLASS_BRIDGE = 6 };

unsigned setup_irq(unsigned pirq) { return pirq & 2 ? 11 : 10; }

static void put(struct pci_function *f, unsigned at, unsigned size, uint32_t value) {
    pci_function_write(f, at, size, value);
}
static bool is_bridge(const struct pci_function *f) { return f->identity->header & PCI_HEADER_BRIDGE; }

// --- buses ---
// Depth first, as they are found. The number of the last bus behind this one.
static unsigned number_buses(struct pci *pci, unsigned bus, unsigned last) {
    unsigned number = pci_bus_number(&pci->bus[bus]);
    for (unsigned i = 1; i < pci->buses; i++) {
        struct pci_function *bridge = pci->bus[i].bridge;
        if (pci->bus[i].parent != bus) continue;
        put(bridge, PRIMARY, 1, number);
        put(bridge, PCI_SECONDARY, 1, ++last);
        put(bridge, PCI_SUBORDINATE, 1, 255);
        last = number_buses(pci, i, last);
        put(bridge, PCI_SUBORDINATE, 1, last);
    }
    return last;
}

// --- addresses ---
enum kind { PORTS, MEMORY, PREFETCHABLE };
struct space {
    uint32_t next; // of ports the first free one, of memory the first that is not free
    uint32_t end;  // where it is used up
};

static enum kind kind_of(const struct pci_bar *b) {
    return b->kind & PCI_PORTS ? PORTS : b->kind & PCI_PREFETCHABLE ? PREFETCHABLE : MEMORY;
}

static bool take(struct space *s, enum kind kind, uint32_t bytes, uint32_t *at) {
    if (kind == PORTS) {
        *at = (s->next + bytes - 1) & ~(bytes - 1);
        if (*at < s->next || *at + bytes > s->end) return false;
        s->next = *at + bytes;
    } else {
        if (bytes > s->next - s->end) return false;
        *at = (s->next - bytes) & ~(bytes - 1);
        if (*at < s->end) return false;
        s->next = *at;
    }
    return true;
}

static void place_bars(struct pci_function *f, enum kind kind, struct space *s) {
    unsigned bars = is_bridge(f) ? 2 : PCI_BARS;
    for (unsigned n = 0; n < bars; n++) {
        const struct pci_bar *b = &f->identity->bar[n];
        uint32_t at;
        if (!b->bytes || kind_of(b) != kind || pci_function_base(f, n) || !take(s, kind, b->bytes, &at)) continue;
        put(f, PCI_BAR_0 + 4 * n, 4, at);
        if (b->kind & PCI_MEMORY_64) put(f, PCI_BAR_0 + 4 * n + 4, 4, 0);
        put(f, PCI_COMMAND, 1, f->config[PCI_COMMAND] | (kind == PORTS ? COMMAND_PORTS : COMMAND_MEMORY));
    }
}

// A bridge's window is what was taken between `from` and `to`; none of it: closed.
static void set_window(struct pci_function *bridge, enum kind kind, uint32_t from, uint32_t to) {
    if (kind == PORTS) {
        put(bridge, IO_BASE, 1, from < to ? from >> 8 : 0xf0);
        put(bridge, IO_BASE + 1, 1, from < to ? (to - 1) >> 8 : 0);
    } else {
        unsigned at = kind == MEMORY ? MEMORY_BASE : PREFETCH_BASE;
        put(bridge, at, 2, from < to ? from >> 16 : 0xfff0);
        put(bridge, at + 2, 2, from < to ? (to - 1) >> 16 : 0);
    }
}

static void round_off(struct space *s, enum kind kind) {
    if (kind == PORTS)
        s->next = (s->next + IO_GRANULE - 1) & ~(uint32_t)(IO_GRANULE - 1);
    else
        s->next &= ~(uint32_t)(MEMORY_GRANULE - 1);
}

static void place_bus(struct pci *pci, unsigned bus, enum kind kind, struct space *s) {
    for (unsigned place = 0; place < PCI_PLACES; place++)
        if (pci->bus[bus].function[place]) place_bars(pci->bus[bus].function[place], kind, s);
    for (unsigned i = 1; i < pci->buses; i++) {
        if (pci->bus[i].parent != bus) continue;
        round_off(s, kind);
        uint32_t before = s->next;
        place_bus(pci, i, kind, s);
        round_off(s, kind);
        set_window(pci->bus[i].bridge, kind, kind == PORTS ? before : s->next, kind == PORTS ? s->next : before);
        put(pci->bus[i].bridge, PCI_COMMAND, 1, COMMAND_PORTS | COMMAND_MEMORY | PCI_BUS_MASTER);
    }
}

// --- interrupts ---
static void set_interrupt_lines(const struct chipset *c) {
    struct pci *pci = c->pci;
    for (unsigned i = 0; i < pci->buses; i++)
        for (unsigned place = 0; place < PCI_PLACES; place++) {
            struct pci_function *f = pci->bus[i].function[place];
            unsigned slot, pin;
            if (!f || !f->identity->pin) continue;
            pci_root_pin(pci, f, &slot, &pin);
            put(f, PCI_INTERRUPT_LINE, 1, setup_irq(chipset_pirq(c, slot, pin)));
        }
}

// --- the chips ---
// By their device IDs, as firmware knows them.
static void set_up_chip(struct pci_function *f) {
    static const uint32_t routes = 0x0b0b0a0a;
    switch (f->identity->device) {
    case 0x1237: // i440FX: PAM
        put(f, 0x59, 1, 0x30);
        for (unsigned i = 0x5a; i <= 0x5f; i++) put(f, i, 1, 0x33);
        break;
    case 0x29c0: // MCH: PCIEXBAR, PAM
        put(f, 0x64, 4, 0), put(f, 0x60, 4, SETUP_ECAM | 1);
        put(f, 0x90, 1, 0x30);
        for (unsigned i = 0x91; i <= 0x96; i++) put(f, i, 1, 0x33);
        break;
    case 0x7000: put(f, 0x60, 4, routes); break;     // PIIX3: PIRQRC
    case 0x7010: put(f, 0x40, 4, 0x80008000); break; // the IDE function: IDETIM, both channels are decoded
    case 0x7113:                                     // PIIX4: PMBA, PMREGMISC, SMBBA, SMBHSTCFG
        put(f, 0x40, 4, SETUP_POWER | 1), put(f, 0x80, 1, 1);
        put(f, 0x90, 4, SETUP_SMBUS | 1), put(f, 0xd2, 1, 9);
        break;
    case 0x2918: // ICH9: PMBASE, ACPI_CNTL, PIRQn_ROUT, RCBA
        put(f, 0x40, 4, SETUP_POWER | 1), put(f, 0x44, 1, 0x80);
        put(f, 0x60, 4, routes), put(f, 0x68, 4, routes);
        put(f, 0xf0, 4, SETUP_RCBA | 1);
        break;
    case 0x2930: // ICH9: the SMBus
        put(f, PCI_BAR_0 + 4 * 4, 4, SETUP_SMBUS), put(f, 0x40, 1, 1), put(f, PCI_COMMAND, 1, COMMAND_PORTS);
        break;
    default: break;
    }
}

// IRQ 10 and 11 are level-triggered: ELCR.
static void set_levels(const struct pci *pci) {
    enum { ELCR2 = 0x4d1, LEVELS = 0x0c };
    bus_out(pci->wires, ELCR2, 1, LEVELS);
}

void setup_chipset(struct chipset *c, uint32_t window) {
    struct pci *pci = c->pci;
    for (unsigned place = 0; place < PCI_PLACES; place++) {
        struct pci_function *f = pci->bus[0].function[place];
        if (f && f->identity->vendor == VENDOR_INTEL) set_up_chip(f);
    }
    set_levels(pci);
    (void)number_buses(pci, 0, 0);
    struct space ports = {SETUP_PORTS, PORTS_END}, memory = {SETUP_MEMORY_END, window};
    place_bus(pci, 0, PORTS, &ports);
    place_bus(pci, 0, MEMORY, &memory);
    place_bus(pci, 0, PREFETCHABLE, &memory);
    set_interrupt_lines(c);
    for (unsigned place = 0; place < PCI_PLACES; place++)
        if (pci->bus[0].function[place] && pci->bus[0].function[place]->identity->device == 0x7113)
            put(pci->bus[0].function[place], PCI_INTERRUPT_LINE, 1, SETUP_SCI);
}
