// PCI configuration space, mechanism 1. PCI Local Bus specification 3.0, 3.2.2.3 and 6.1; 82441FX (440FX) and 82371SB
// (PIIX3) data sheets for the identities: 00:00.0 the host bridge, 00:01.0 the ISA bridge. 00:02.0: pci-testdev, whose
// base address registers come up set, as there is no firmware to do it. The registers of the bridges are a store
// without effect (so are the PAM registers: all of C0000H..FFFFFH is RAM).
#include "devices/pci/pci.h"
#include "cpu/state/outcome.h"
#include <string.h>

#define ADDRESS_ENABLE BIT(31)
// Bits 1:0 should be 0. As in QEMU they help to choose the byte; kvm-unit-tests rely on it.
#define ADDRESS_DEFINED (BIT(31) | BITS(23, 0))

static const struct state_field fields[] = {
    STATE_ONE(struct pci, address),
    {"config", offsetof(struct pci, config), 1, PCI_FUNCTIONS *PCI_CONFIG, 1},
};
static const struct state_table pci_state = STATE_TABLE("pci", fields);

enum { PCI_BARS = 2, BAR_FIRST = 0x10, BAR_LAST = 0x27, BARS = 6, BAR_PORTS = 1 };
enum { COMMAND = 0x04, COMMAND_PORTS = 1, COMMAND_MEMORY = 2 };
struct pci_identity {
    uint8_t device, function; // on bus 0
    uint16_t vendor_id, device_id;
    uint8_t revision, class, subclass, header;
    uint16_t command, status;
    struct {
        uint32_t bytes, base;
    } bar[PCI_BARS]; // the size; where it is after a reset, with the type in the low bits
};
enum { PCI_TESTDEV = 2 };
static const struct pci_identity identities[PCI_FUNCTIONS] = {
    {0, 0, 0x8086, 0x1237, 0x02, 0x06, 0x00, 0x00, 0x0006, 0x0280, {{0}}},
    {1, 0, 0x8086, 0x7000, 0x00, 0x06, 0x01, 0x00, 0x0007, 0x0200, {{0}}},
    {2,
     0,
     0x1b36,
     0x0005,
     0x00,
     0x00,
     0xff,
     0x00,
     0x0003,
     0x0000,
     {{PCI_TESTDEV_MEMORY_BYTES, 0xfebf0000}, {PCI_TESTDEV_PORTS, 0xc000 | BAR_PORTS}}},
};

static bool present(const struct pci *pci, unsigned i) { return i != PCI_TESTDEV || pci->testdev; }

// The number of the function that the address register selects; PCI_FUNCTIONS: nothing there.
static unsigned selected(const struct pci *pci) {
    unsigned bus = pci->address >> 16 & 255, device = pci->address >> 11 & 31, function = pci->address >> 8 & 7;
    if (!(pci->address & ADDRESS_ENABLE) || bus) return PCI_FUNCTIONS;
    for (unsigned i = 0; i < PCI_FUNCTIONS; i++)
        if (identities[i].device == device && identities[i].function == function && present(pci, i)) return i;
    return PCI_FUNCTIONS;
}

// --- base address registers ---
static uint32_t bar(const struct pci *pci, unsigned i, unsigned n) {
    uint32_t value;
    memcpy(&value, &pci->config[i][BAR_FIRST + 4 * n], sizeof value);
    return value;
}

static void set_bar(struct pci *pci, unsigned i, unsigned n, uint32_t value) {
    uint32_t bytes = n < PCI_BARS ? identities[i].bar[n].bytes : 0,
             type = bytes ? identities[i].bar[n].base & BAR_PORTS : 0;
    value = bytes ? (value & ~(bytes - 1)) | type : 0;
    memcpy(&pci->config[i][BAR_FIRST + 4 * n], &value, sizeof value);
}

bool pci_region(void *chip, bool memory, uint64_t address, unsigned size, struct region *out) {
    struct pci *pci = chip;
    if (!pci->testdev || !(pci->config[PCI_TESTDEV][COMMAND] & (memory ? COMMAND_MEMORY : COMMAND_PORTS))) return false;
    unsigned n = memory ? 0 : 1;
    uint64_t base = bar(pci, PCI_TESTDEV, n) & ~(uint32_t)BAR_PORTS, bytes = identities[PCI_TESTDEV].bar[n].bytes;
    if (address < base || address - base + size > bytes) return false;
    *out = (struct region){base, bytes, &pci_testdev_device, pci->testdev, (uint8_t)n, WIDTH_1 | WIDTH_2 | WIDTH_4};
    return true;
}

// --- registers ---
static unsigned selected_register(const struct pci *pci, uint64_t offset) {
    return (pci->address & 0xff) | (unsigned)offset;
}

static uint64_t pci_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct pci *pci = chip;
    if (space == PCI_ADDRESS) {
        if (size == 4) return pci->address;
        return offset == 1 && size == 1 ? system_reset_control(pci->system) : ~0ull;
    }
    unsigned i = selected(pci);
    if (i == PCI_FUNCTIONS) return ~0ull;
    uint32_t value = 0;
    for (unsigned byte = 0; byte < size; byte++)
        value |= (uint32_t)pci->config[i][(selected_register(pci, offset) + byte) % PCI_CONFIG] << (8 * byte);
    return value;
}

// Identity, class and header registers are read-only; status bits are cleared by writing 1 (none is ever set).
static bool writable(unsigned reg) {
    return reg == 4 || reg == 5 || reg == 0x0c || reg == 0x0d || reg == 0x3c || reg >= 0x40 ||
           (reg >= BAR_FIRST && reg <= BAR_LAST);
}

static void pci_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct pci *pci = chip;
    if (space == PCI_ADDRESS) {
        if (size == 4)
            pci->address = (uint32_t)(value & ADDRESS_DEFINED);
        else if (offset == 1 && size == 1)
            system_set_reset_control(pci->system, (uint8_t)value);
        return;
    }
    unsigned i = selected(pci), first = selected_register(pci, offset);
    for (unsigned byte = 0; i < PCI_FUNCTIONS && byte < size; byte++) {
        unsigned reg = (first + byte) % PCI_CONFIG;
        if (writable(reg)) pci->config[i][reg] = (uint8_t)(value >> (8 * byte));
    }
    for (unsigned n = 0; i < PCI_FUNCTIONS && n < BARS; n++) set_bar(pci, i, n, bar(pci, i, n));
}

static void pci_reset(void *chip) {
    struct pci *pci = chip;
    pci->address = 0;
    memset(pci->config, 0, sizeof pci->config);
    for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
        const struct pci_identity *id = &identities[i];
        uint8_t *c = pci->config[i];
        memcpy(c + 0x00, &id->vendor_id, 2);
        memcpy(c + 0x02, &id->device_id, 2);
        memcpy(c + 0x04, &id->command, 2);
        memcpy(c + 0x06, &id->status, 2);
        c[0x08] = id->revision;
        c[0x0a] = id->subclass;
        c[0x0b] = id->class;
        c[0x0e] = id->header;
        for (unsigned n = 0; n < PCI_BARS; n++) set_bar(pci, i, n, id->bar[n].base);
    }
}

const struct device pci_device = {"pci", pci_read, pci_write, pci_reset, &pci_state};
