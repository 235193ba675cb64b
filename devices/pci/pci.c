// PCI configuration space, mechanism 1. PCI Local Bus specification 3.0, 3.2.2.3; 82441FX (440FX) and 82371SB (PIIX3)
// data sheets for the identities: 00:00.0 the host bridge, 00:01.0 the ISA bridge. The registers of the bridges are a
// store without effect (so are the PAM registers: all of C0000H..FFFFFH is RAM). One bus, one function a device.
#include "devices/pci/pci.h"
#include "cpu/state/outcome.h"
#include <string.h>

#define ADDRESS_ENABLE BIT(31)
// Bits 1:0 should be 0. As in QEMU they help to choose the byte; kvm-unit-tests rely on it.
#define ADDRESS_DEFINED (BIT(31) | BITS(23, 0))

static const struct state_field fields[] = {
    STATE_ONE(struct pci, address),
    {"config", offsetof(struct pci, config), 1, PCI_BRIDGES *PCI_CONFIG, 1, UINT8_MAX},
};
static const struct state_table pci_state = STATE_TABLE("pci", fields);

static const struct pci_identity bridges[PCI_BRIDGES] = {
    {.vendor = 0x8086, .device = 0x1237, .revision = 0x02, .class = 0x06, .command = 0x0006, .status = 0x0280},
    {.vendor = 0x8086, .device = 0x7000, .class = 0x06, .subclass = 0x01, .command = 0x0007, .status = 0x0200},
};

// Where base address registers may point: memory from the top of the hole downwards, ports upwards.
enum { MEMORY_END = 0xfebf1000, MEMORY_LEAST = 0xe0000000, PORTS_FIRST = 0xc000, PORTS_END = 0x10000 };

// The function that the address register selects; NULL: nothing there.
static struct pci_function *selected(const struct pci *pci) {
    unsigned bus = pci->address >> 16 & 255, device = pci->address >> 11 & 31, function = pci->address >> 8 & 7;
    return pci->address & ADDRESS_ENABLE && !bus && !function ? pci->function[device] : NULL;
}

static unsigned selected_register(const struct pci *pci, uint64_t offset) {
    return (pci->address & 0xff) | (unsigned)offset;
}

static uint64_t pci_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct pci *pci = chip;
    if (space == PCI_ADDRESS) {
        if (size == 4) return pci->address;
        return offset == 1 && size == 1 ? pci->reset_control(pci->owner) : ~0ull;
    }
    const struct pci_function *f = selected(pci);
    return f ? pci_function_read(f, selected_register(pci, offset), size) : ~0ull;
}

static void pci_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct pci *pci = chip;
    struct pci_function *f = selected(pci);
    if (space == PCI_DATA) {
        if (f) pci_function_write(f, selected_register(pci, offset), size, value);
    } else if (size == 4) {
        pci->address = (uint32_t)(value & ADDRESS_DEFINED);
    } else if (offset == 1 && size == 1) {
        pci->set_reset_control(pci->owner, (uint8_t)value);
    }
}

static void pci_reset(void *chip) {
    struct pci *pci = chip;
    pci->address = 0;
    for (unsigned i = 0; i < PCI_BRIDGES; i++) pci_function_reset(&pci->bridge[i]);
}

// --- construction ---
// Memory downwards, each block at a multiple of its size; ports upwards.
static bool assign(struct pci *pci, struct pci_function *f) {
    for (unsigned n = 0; n <= PCI_ROM; n++) {
        const struct pci_bar *b = &f->identity->bar[n];
        if (!b->bytes) continue;
        if (b->kind & PCI_PORTS) {
            f->firmware[n] = (pci->next_port + b->bytes - 1) & ~(b->bytes - 1);
            if (f->firmware[n] + b->bytes > PORTS_END) return false;
            pci->next_port = f->firmware[n] + b->bytes;
        } else {
            if (b->bytes > pci->next_memory - MEMORY_LEAST) return false;
            f->firmware[n] = (pci->next_memory - b->bytes) & ~(b->bytes - 1);
            pci->next_memory = f->firmware[n];
        }
    }
    return true;
}

bool pci_claim(struct pci *pci, struct pci_function *f, unsigned place) {
    for (unsigned i = 0; place == PCI_NO_PLACE && i < PCI_PLACES; i++)
        if (!pci->function[i]) place = i;
    if (place >= PCI_PLACES || pci->function[place]) return false;
    f->bus = pci->bus;
    f->place = (uint8_t)(place << 3);
    f->requester = f->place;
    pci->function[place] = f;
    return true;
}

bool pci_add(struct pci *pci, struct pci_function *f, const struct device *device, void *chip) {
    if (!assign(pci, f)) return false;
    pci_function_init(f, device, chip);
    return true;
}

void pci_init(struct pci *pci, struct bus *bus) {
    pci->bus = bus;
    pci->next_memory = MEMORY_END;
    pci->next_port = PORTS_FIRST;
    for (unsigned i = 0; i < PCI_BRIDGES; i++) {
        pci->bridge[i] = (struct pci_function){.config = pci->config[i], .identity = &bridges[i]};
        (void)pci_claim(pci, &pci->bridge[i], i);
        (void)pci_add(pci, &pci->bridge[i], NULL, NULL);
    }
}

const struct device pci_device = {
    .name = "pci", .read = pci_read, .write = pci_write, .reset = pci_reset, .state = &pci_state};
