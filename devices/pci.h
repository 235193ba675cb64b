// PCI configuration space, mechanism 1: a host bridge and an ISA bridge. PCI Local Bus specification 3.0, 3.2.2.3.
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H
#include "devices/bus.h"
#include "devices/system_ports.h"

enum { PCI_FUNCTIONS = 2, PCI_CONFIG = 256 };
struct pci {
    uint32_t address; // CF8H
    uint8_t config[PCI_FUNCTIONS][PCI_CONFIG];
    // wiring
    struct system_ports *system;
};
enum pci_space { PCI_ADDRESS, PCI_DATA };
extern const struct device pci_device;

#endif
