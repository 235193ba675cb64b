// One function on a PCI bus: its configuration space, made from what its device says of it, and its base address
// registers, which place its registers on the bus. PCI Local Bus specification 3.0, 6.1, 6.2.5, 6.7.
#ifndef DEVICES_PCI_FUNCTION_H
#define DEVICES_PCI_FUNCTION_H
#include "devices/bus/bus.h"

enum { PCI_CONFIG = 256, PCI_BARS = 6 };

struct pci_bar {
    uint32_t bytes; // a power of two: memory from 16 bytes on, ports from 4; 0: there is no such register
    uint8_t widths; // enum bus_width, or-ed: of the registers there, which are space BAR_NUMBER of the chip
    bool ports;
};

// A capability, behind the others in the list. Its ID and the pointer to the next one are not part of the bytes.
struct pci_capability {
    uint8_t id, bytes;
    const uint8_t *initial, *writable; // what a reset sets, and which bits can be written
};

struct pci_identity {
    uint16_t vendor, device;
    uint8_t revision, class, subclass, interface;
    uint16_t command, status; // after a reset
    uint16_t subsystem_vendor, subsystem;
    uint8_t pin; // 1 to 4: INTA to INTD; 0: it uses none
    struct pci_bar bar[PCI_BARS];
    const struct pci_capability *capability;
    unsigned capabilities;
};

struct pci_function {
    uint8_t *config; // its PCI_CONFIG bytes of state
    // wiring
    const struct pci_identity *identity;
    uint8_t place;               // device number << 3 | function number, on bus 0
    uint32_t firmware[PCI_BARS]; // the addresses that base address registers have after a reset
    unsigned region[PCI_BARS];   // in the bus's maps
    struct bus *bus;
    uint8_t writable[PCI_CONFIG]; // of capabilities
    uint8_t owned[PCI_CONFIG];    // the byte belongs to a capability
};

// Puts the function's registers on the bus, switched off. `firmware` has the addresses for its base address registers.
void pci_function_init(struct pci_function *function, const struct device *device, void *chip);
void pci_function_reset(struct pci_function *function);
void pci_function_loaded(struct pci_function *function); // after its configuration space was loaded
void pci_function_write(struct pci_function *function, unsigned first, unsigned size, uint64_t value);
uint32_t pci_function_read(const struct pci_function *function, unsigned first, unsigned size);

#endif
