// ahci and ich9-ahci: registers of the adapter; see ahci.h. Identity and capabilities are those of QEMU's ICH9, with
// one more: PxCMD.CLO, which is there.
//
// NOT IMPLEMENTED, and not in CAP: port multipliers, staggered spin-up, power management of the links, command
// completion coalescing, enclosure management; drives come and go with the machine alone.
#include "devices/ata/ahci.h"
#include "devices/bus/bus.h"
#include "devices/bus/slot.h"
#include "devices/pci/function.h"

enum { PAIR_PORTS = 4, REGISTERS = 5, REGISTER_BYTES = 4096 }; // base address registers
enum ahci_register { CAP = 0x00, GHC = 0x04, IS = 0x08, PI = 0x0c, VS = 0x10, PORTS = 0x100, PORT_BYTES = 0x80 };
enum { INDEX = 0x10, DATA = 0x14 };

// 3.1.1: 64-bit addresses, queued commands, command list override, AHCI alone, generation 1, 32 slots, the ports.
#define CAPABILITIES (BIT(31) | BIT(30) | BIT(24) | BIT(18) | 1u << 20 | (AHCI_SLOTS - 1) << 8 | (AHCI_PORTS - 1))
#define GHC_RESET BIT(0)
#define GHC_INTERRUPT BIT(1)
#define GHC_AHCI BIT(31)
enum { VERSION = 0x00010000 };

#define PORT(member) STATE_EACH(struct ahci, port, member)
#define SLOT(member) STATE_EACH(struct ahci, slot, member)
static const struct state_field fields[] = {
    STATE_ONE(struct ahci, control),
    STATE_ONE(struct ahci, is),
    STATE_ONE(struct ahci, index),
    PORT(list),
    PORT(received),
    PORT(is),
    PORT(ie),
    PORT(cmd),
    PORT(tfd),
    PORT(sig),
    PORT(ssts),
    PORT(sctl),
    PORT(serr),
    PORT(sact),
    PORT(ci),
    STATE_EACH_TO(struct ahci, port, running, AHCI_NO_SLOT),
    STATE_EACH_TO(struct ahci, port, last, AHCI_SLOTS - 1),
    STATE_EACH_TO(struct ahci, port, stopped, 1),
    STATE_EACH_TO(struct ahci, port, signature, 1),
    SLOT(table),
    SLOT(descriptors),
    SLOT(descriptor),
    SLOT(offset),
    SLOT(moved),
};
// What only a drive brings about is at no port without one.
static bool ahci_valid(const void *chip) {
    const struct ahci *h = chip;
    for (const struct ahci_port *p = h->port; p < h->port + AHCI_PORTS; p++)
        if (!p->drive && (p->signature || p->running != AHCI_NO_SLOT)) return false;
    return true;
}
const struct state_table ahci_state = STATE_TABLE("ahci", fields, ahci_valid);

// --- the interrupt: 10.6.2 ---
static void collect(struct ahci *h) {
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (ahci_port_is(&h->port[i]) & h->port[i].ie) h->is |= 1u << i;
}

void ahci_update(struct ahci *h) {
    collect(h);
    device_interrupt(h->host, 0, h->control & GHC_INTERRUPT && h->is);
}

// A message is sent again when software has cleared some bits and others stay set.
static void clear_is(struct ahci *h, uint32_t value) {
    h->is &= ~value;
    if (pci_uses_messages(h->host->function)) device_interrupt(h->host, 0, false);
    ahci_update(h);
}

// --- registers ---
static uint32_t read_register(struct ahci *h, uint64_t offset) {
    if (offset >= PORTS) {
        uint64_t port = (offset - PORTS) / PORT_BYTES;
        return port < AHCI_PORTS ? ahci_port_read(&h->port[port], (unsigned)(offset - PORTS) % PORT_BYTES) : 0;
    }
    switch (offset) {
    case CAP: return (uint32_t)CAPABILITIES;
    case GHC: return h->control;
    case IS: return h->is;
    case PI: return BITS(AHCI_PORTS - 1, 0);
    case VS: return VERSION;
    default: return 0;
    }
}

static void hba_reset(struct ahci *h, bool power_on) {
    h->control = (uint32_t)GHC_AHCI;
    h->is = h->index = 0;
    for (unsigned i = 0; i < AHCI_PORTS; i++) ahci_port_reset(&h->port[i], power_on);
    ahci_update(h);
}

static void write_register(struct ahci *h, uint64_t offset, uint32_t value) {
    if (offset >= PORTS) {
        uint64_t port = (offset - PORTS) / PORT_BYTES;
        if (port < AHCI_PORTS) ahci_port_write(&h->port[port], (unsigned)(offset - PORTS) % PORT_BYTES, value);
    } else if (offset == GHC && value & GHC_RESET) {
        hba_reset(h, false);
    } else if (offset == GHC) {
        h->control = (uint32_t)((value & GHC_INTERRUPT) | GHC_AHCI);
        ahci_update(h);
    } else if (offset == IS) {
        clear_is(h, value);
    }
}

// Of the ports of BAR 4 only the pair has a meaning: 12.1 of SATA's index and data pair capability.
static uint64_t ahci_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct ahci *h = chip;
    (void)size;
    if (space == REGISTERS) return read_register(h, offset);
    return offset == INDEX ? h->index : offset == DATA ? read_register(h, h->index) : 0;
}

static void ahci_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct ahci *h = chip;
    (void)size;
    if (space == REGISTERS)
        write_register(h, offset, (uint32_t)value);
    else if (offset == INDEX)
        h->index = (uint32_t)value & (REGISTER_BYTES - 4);
    else if (offset == DATA)
        write_register(h, h->index, (uint32_t)value);
}

static void ahci_reset(void *chip) { hba_reset(chip, true); }

// --- construction ---
static const char *ahci_create(void *chip, struct device_host *host) {
    struct ahci *h = chip;
    h->host = host;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_init(h, i);
        if (!slots_offer(host, "ide", i, 1, &h->port[i].socket, 0)) return "there are too many places for drives";
    }
    return NULL;
}

// The capability of an index and data pair: SATA revision 1.0; in BAR 4, 4 * 4 bytes from its start.
static const uint8_t pair[] = {0x10, 0x00, 0x48, 0x00, 0x00, 0x00}, pair_writable[sizeof pair];
static const struct pci_capability capabilities[] = {
    {.id = 0x12, .bytes = sizeof pair, .initial = pair, .writable = pair_writable, .at = 0xa8}};
// MAP: AHCI mode.
static const struct pci_register registers[] = {{.at = 0x90, .bytes = 2, .initial = 0x40}};

static const struct pci_identity identity = {
    .vendor = 0x8086,
    .device = 0x2922,
    .revision = 0x02,
    .class = 0x01,
    .subclass = 0x06,
    .interface = 0x01,
    .pin = 1,
    .bar = {[PAIR_PORTS] = {.bytes = 32, .widths = WIDTH_4, .kind = PCI_PORTS},
            [REGISTERS] = {.bytes = REGISTER_BYTES, .widths = WIDTH_4, .kind = PCI_MEMORY}},
    .capability = capabilities,
    .capabilities = sizeof capabilities / sizeof *capabilities,
    .registers = registers,
    .register_count = sizeof registers / sizeof *registers,
    .msi = {.vectors = 1, .at = 0x80}};

// Two names, as QEMU has them, of one controller.
#define CONTROLLER                                                                                                     \
    .read = ahci_read, .write = ahci_write, .reset = ahci_reset, .state = &ahci_state, .bytes = sizeof(struct ahci),   \
    .function = &identity, .create = ahci_create

DEVICE(ahci) = {.name = "ahci", .help = "a SATA controller with six ports: the same as ich9-ahci", CONTROLLER};
DEVICE(ich9_ahci) = {.name = "ich9-ahci", .help = "the SATA controller of ICH9, with six ports", CONTROLLER};
