// PCI configuration space; see pci.h. 82441FX (440FX) and 82371SB (PIIX3) data sheets for the identities of the plain
// board: 00:00.0 the host bridge, 00:01.0 the ISA bridge, whose registers are a store without effect (so are the PAM
// registers there: all of C0000H..FFFFFH is RAM). NOT IMPLEMENTED: bridges do not keep anything from what is behind
// them: base address registers there answer wherever they point.
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

// --- buses ---
unsigned pci_bus_number(const struct pci_bus *b) { return b->bridge ? b->bridge->config[PCI_SECONDARY] : 0; }

// Whether configuration cycles for a bus number come as far as to this bus: all bridges above let them through.
static bool reaches(const struct pci *pci, const struct pci_bus *b, unsigned number) {
    for (; b->bridge; b = &pci->bus[b->parent])
        if (number < b->bridge->config[PCI_SECONDARY] || number > b->bridge->config[PCI_SUBORDINATE]) return false;
    return true;
}

struct pci_function *pci_at(const struct pci *pci, unsigned number, unsigned place) {
    if (!number) return pci->bus[0].function[place];
    for (unsigned i = 1; i < pci->buses; i++)
        if (pci_bus_number(&pci->bus[i]) == number && reaches(pci, &pci->bus[i], number))
            return pci->bus[i].function[place];
    return NULL;
}

struct pci_bus *pci_bus_named(struct pci *pci, const char *name) {
    if (!*name) return &pci->bus[0];
    for (unsigned i = 0; i < pci->buses; i++)
        if (!strcmp(pci->bus[i].name, name)) return &pci->bus[i];
    return NULL;
}

bool pci_add_bus(struct pci *pci, struct pci_function *bridge, const char *name, bool single) {
    if (pci->buses == PCI_BUSES || pci_bus_named(pci, name)) return false;
    pci->bus[pci->buses++] =
        (struct pci_bus){.name = name, .bridge = bridge, .parent = bridge->on_bus, .single = single};
    return true;
}

void pci_numbers_changed(struct pci *pci) {
    for (unsigned i = 0; i < pci->buses; i++)
        for (unsigned place = 0; place < PCI_PLACES; place++) {
            struct pci_function *f = pci->bus[i].function[place];
            if (f) f->requester = (uint16_t)(pci_bus_number(&pci->bus[i]) << 8 | place);
        }
}

// PCI-to-PCI Bridge Architecture specification 1.2, 9.1: INTA of device 0 is INTA of the bridge, of device 1 INTB, ...
void pci_root_pin(const struct pci *pci, const struct pci_function *f, unsigned *slot, unsigned *pin) {
    *pin = f->identity->pin - 1u;
    for (; f->on_bus; f = pci->bus[f->on_bus].bridge) *pin = (*pin + (f->place >> 3)) & 3;
    *slot = f->place >> 3;
}

// --- accesses ---
// The function that the address register selects; NULL: nothing there.
static struct pci_function *selected(const struct pci *pci) {
    return pci->address & ADDRESS_ENABLE ? pci_at(pci, pci->address >> 16 & 255, pci->address >> 8 & 255) : NULL;
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
    for (unsigned i = 0; pci->plain && i < PCI_BRIDGES; i++) pci_function_reset(&pci->bridge[i]);
}

// Memory of PCI Express: bits 27:20 of the offset are the bus, 19:12 the place, 11:0 the register. No function here has
// registers past 255: of an Express function these are an empty list of capabilities, else nothing answers.
static struct pci_function *in_ecam(const struct pci *pci, uint64_t offset) {
    return pci_at(pci, offset >> 20 & 255, offset >> 12 & 255);
}

static uint64_t ecam_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space;
    const struct pci_function *f = in_ecam(chip, offset);
    unsigned reg = offset & 0xfff;
    if (f && reg < PCI_CONFIG) {
        uint64_t upper = size > 4 ? pci_function_read(f, reg + 4, size - 4) : 0;
        return upper << 32 | pci_function_read(f, reg, size > 4 ? 4 : size);
    }
    return f && f->identity->express ? 0 : ~0ull;
}

static void ecam_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space;
    struct pci_function *f = in_ecam(chip, offset);
    unsigned reg = offset & 0xfff;
    if (f && reg < PCI_CONFIG) pci_function_write(f, reg, size, value);
}
const struct device ecam_device = {.name = "ecam", .read = ecam_read, .write = ecam_write};

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

static bool slot_is_free(const struct pci_bus *b, unsigned slot) {
    for (unsigned i = 0; i < PCI_FUNCTIONS; i++)
        if (b->function[slot << 3 | i]) return false;
    return !b->single || slot == 0;
}

bool pci_claim(struct pci *pci, struct pci_bus *bus, struct pci_function *f, unsigned place) {
    for (unsigned i = 0; place == DEVICE_NO_PLACE && i < PCI_SLOTS; i++)
        if (slot_is_free(bus, i)) place = i << 3;
    if (place >= PCI_PLACES || bus->function[place] || (bus->single && place >= PCI_FUNCTIONS)) return false;
    f->bus = pci->wires;
    f->on_bus = (uint8_t)(bus - pci->bus);
    f->place = (uint8_t)place;
    f->requester = (uint16_t)(pci_bus_number(bus) << 8 | place);
    bus->function[place] = f;
    return true;
}

bool pci_add(struct pci *pci, struct pci_function *f, const struct device *device, void *chip) {
    if (pci->plain && !assign(pci, f)) return false;
    pci_function_init(f, device, chip);
    return true;
}

void pci_init(struct pci *pci, struct bus *bus, bool plain) {
    pci->wires = bus;
    pci->plain = plain;
    pci->bus[pci->buses++].name = "pci.0";
    pci->next_memory = MEMORY_END;
    pci->next_port = PORTS_FIRST;
    for (unsigned i = 0; plain && i < PCI_BRIDGES; i++) {
        pci->bridge[i] = (struct pci_function){.config = pci->config[i], .identity = &bridges[i]};
        (void)pci_claim(pci, &pci->bus[0], &pci->bridge[i], i << 3);
        (void)pci_add(pci, &pci->bridge[i], NULL, NULL);
    }
}

const struct device pci_device = {
    .name = "pci", .read = pci_read, .write = pci_write, .reset = pci_reset, .state = &pci_state};
