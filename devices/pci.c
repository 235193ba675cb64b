// PCI configuration space, mechanism 1. PCI Local Bus specification 3.0, 3.2.2.3 and 6.1; 82441FX (440FX) and 82371SB
// (PIIX3) data sheets for the identities: 00:00.0 the host bridge, 00:01.0 the ISA bridge.
// The registers of the bridges are a store without effect (so are the PAM registers: all of C0000H..FFFFFH is RAM).
#include "devices/pci.h"
#include "cpu/outcome.h"
#include <string.h>

#define ADDRESS_ENABLE BIT(31)
#define ADDRESS_DEFINED (BIT(31) | BITS(23, 2))

static const struct state_field fields[] = {
    STATE_ONE(struct pci, address),
    {"config", offsetof(struct pci, config), 1, PCI_FUNCTIONS *PCI_CONFIG, 1},
};
static const struct state_table pci_state = STATE_TABLE("pci", fields);

struct pci_identity {
    uint8_t device, function; // on bus 0
    uint16_t vendor_id, device_id;
    uint8_t revision, class, subclass, header;
    uint16_t command, status;
};
static const struct pci_identity identities[PCI_FUNCTIONS] = {
    {0, 0, 0x8086, 0x1237, 0x02, 0x06, 0x00, 0x00, 0x0006, 0x0280},
    {1, 0, 0x8086, 0x7000, 0x00, 0x06, 0x01, 0x00, 0x0007, 0x0200},
};

// The configuration space that the address register selects; NULL: nothing there.
static uint8_t *selected(struct pci *pci) {
    unsigned bus = pci->address >> 16 & 255, device = pci->address >> 11 & 31, function = pci->address >> 8 & 7;
    if (!(pci->address & ADDRESS_ENABLE) || bus) return NULL;
    for (unsigned i = 0; i < PCI_FUNCTIONS; i++)
        if (identities[i].device == device && identities[i].function == function) return pci->config[i];
    return NULL;
}

static uint64_t pci_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct pci *pci = chip;
    if (space == PCI_ADDRESS) {
        if (size == 4) return pci->address;
        return offset == 1 && size == 1 ? system_reset_control(pci->system) : ~0ull;
    }
    const uint8_t *config = selected(pci);
    if (!config) return ~0ull;
    uint32_t value = 0;
    memcpy(&value, config + (pci->address & 0xfc) + offset, size);
    return value;
}

// Identity, class and header registers are read-only; status bits are cleared by writing 1 (none is ever set).
static bool writable(unsigned reg) {
    return reg == 4 || reg == 5 || reg == 0x0c || reg == 0x0d || reg == 0x3c || reg >= 0x40;
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
    uint8_t *config = selected(pci);
    unsigned reg = (pci->address & 0xfc) + (unsigned)offset;
    for (unsigned i = 0; config && i < size; i++)
        if (writable(reg + i)) config[reg + i] = (uint8_t)(value >> (8 * i));
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
    }
}

const struct device pci_device = {"pci", pci_read, pci_write, pci_reset, &pci_state};
