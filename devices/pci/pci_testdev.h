// QEMU's pci-testdev: docs/specs/pci-testdev.rst. BAR 0 is memory, BAR 1 ports.
#ifndef DEVICES_PCI_TESTDEV_H
#define DEVICES_PCI_TESTDEV_H
#include "devices/bus/bus.h"

// One half of each block is the header, the other half is where the test writes.
enum { PCI_TESTDEV_MEMORY_BYTES = 4096, PCI_TESTDEV_PORTS = 256 };

struct pci_testdev {
    uint32_t count; // accepted writes since the test was chosen
    uint8_t space;  // the block whose test was chosen last
    uint8_t test;   // its number; TESTDEV_NONE
};
enum pci_testdev_space { PCI_TESTDEV_MEMORY, PCI_TESTDEV_IO };
extern const struct device pci_testdev_device;

#endif
