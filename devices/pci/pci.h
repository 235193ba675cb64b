// PCI configuration space: mechanism 1 of ports CF8H and CFCH, the memory of PCI Express (ECAM), the functions by bus
// and place, and what the plain board has there: a host bridge and an ISA bridge. PCI Local Bus
// specification 3.0, 3.2.2.3; PCI Express Base specification 4.0, 7.2.2.
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H
#include "devices/pci/function.h"

enum { PCI_BRIDGES = 2, PCI_SLOTS = 32, PCI_FUNCTIONS = 8, PCI_PLACES = 256, PCI_BUSES = 17 };

// A bus: the root, or what is behind a bridge.
struct pci_bus {
    const char *name;
    struct pci_function *bridge;               // NULL: the root
    unsigned parent;                           // the bus that the bridge is on
    bool single;                               // one device can be there: behind a root port
    struct pci_function *function[PCI_PLACES]; // by device number << 3 | function number
};

struct pci {
    uint32_t address; // CF8H
    uint8_t config[PCI_BRIDGES][PCI_CONFIG];
    // wiring
    struct pci_function bridge[PCI_BRIDGES]; // of the plain board
    struct pci_bus bus[PCI_BUSES];
    unsigned buses;
    uint32_t next_memory, next_port; // where firmware would put the next base address register
    bool plain;                      // base address registers come up set
    struct bus *wires;
    uint8_t (*reset_control)(const void *owner); // port CF9H, which lies inside the address register
    void (*set_reset_control)(void *owner, uint8_t value);
    void *owner;
};
enum pci_space { PCI_ADDRESS, PCI_DATA };
extern const struct device pci_device;
extern const struct device ecam_device; // its chip is the struct pci

void pci_init(struct pci *pci, struct bus *bus, bool plain);
// The bus of a name, or the root for ""; NULL: there is none.
struct pci_bus *pci_bus_named(struct pci *pci, const char *name);
// Makes a bus behind a bridge. False: there are too many.
bool pci_add_bus(struct pci *pci, struct pci_function *bridge, const char *name, bool single);
// Gives a function its place on a bus; DEVICE_NO_PLACE: the first device number that is free. False: it is taken, or
// none is free.
bool pci_claim(struct pci *pci, struct pci_bus *bus, struct pci_function *function, unsigned place);
// Puts a function that has its place, its `config` and `identity` on the bus. False: there is no address left for what
// it has.
bool pci_add(struct pci *pci, struct pci_function *function, const struct device *device, void *chip);
// The function of a bus number and place, as the bridges are set now; NULL: nothing there.
struct pci_function *pci_at(const struct pci *pci, unsigned number, unsigned place);
unsigned pci_bus_number(const struct pci_bus *bus); // as the bridge is set now
// Bus numbers have changed: what the functions say who they are.
void pci_numbers_changed(struct pci *pci);
// The device number on the root bus and the pin (0: INTA) that a function's pin ends at, behind bridges too.
void pci_root_pin(const struct pci *pci, const struct pci_function *function, unsigned *slot, unsigned *pin);

#endif
