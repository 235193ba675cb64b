// PCI configuration space, mechanism 1, and what every board has there: a host bridge and an ISA bridge. PCI Local Bus
// specification 3.0, 3.2.2.3.
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H
#include "devices/pci/function.h"

enum { PCI_BRIDGES = 2, PCI_PLACES = 32, PCI_NO_PLACE = 256 };
struct pci {
    uint32_t address; // CF8H
    uint8_t config[PCI_BRIDGES][PCI_CONFIG];
    // wiring
    struct pci_function bridge[PCI_BRIDGES];
    struct pci_function *function[PCI_PLACES]; // by device number; of each, function 0 alone
    uint32_t next_memory, next_port;           // where firmware would put the next base address register
    struct bus *bus;
    uint8_t (*reset_control)(const void *owner); // port CF9H, which lies inside the address register
    void (*set_reset_control)(void *owner, uint8_t value);
    void *owner;
};
enum pci_space { PCI_ADDRESS, PCI_DATA };
extern const struct device pci_device;

void pci_init(struct pci *pci, struct bus *bus);
// Gives a function a device number; PCI_NO_PLACE: the first that is free. False: it is taken, or none is free.
bool pci_claim(struct pci *pci, struct pci_function *function, unsigned place);
// Puts a function that has its place, its `config` and `identity` on the bus. False: there is no address left for what
// it has.
bool pci_add(struct pci *pci, struct pci_function *function, const struct device *device, void *chip);

#endif
