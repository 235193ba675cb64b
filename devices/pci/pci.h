// PCI configuration space, mechanism 1: a host bridge, an ISA bridge, and pci-testdev if wanted. PCI Local Bus
// specification 3.0, 3.2.2.3, 6.2.5.
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H
#include "devices/bus/bus.h"
#include "devices/pci/pci_testdev.h"
#include "devices/machine/system_ports.h"

enum { PCI_FUNCTIONS = 3, PCI_CONFIG = 256 };
struct pci {
    uint32_t address; // CF8H
    uint8_t config[PCI_FUNCTIONS][PCI_CONFIG];
    // wiring
    struct system_ports *system;
    struct pci_testdev *testdev; // NULL: not there
};
enum pci_space { PCI_ADDRESS, PCI_DATA };
extern const struct device pci_device;
// What a function's base address register has put at an address of memory or ports; false: nothing.
bool pci_region(void *pci, bool memory, uint64_t address, unsigned size, struct region *out);

#endif
