// Places where one device is plugged into another: a drive into a channel of its controller. The controller offers
// them when it is made; a device that is made later takes one by the name of its bus, as QEMU names it: of a controller
// with id=NAME, NAME.0, NAME.1, ...; of one without, KIND.0, KIND.1, ..., counted through all that have no id.
#ifndef DEVICES_SLOT_H
#define DEVICES_SLOT_H
#include <stdbool.h>

enum { SLOTS = 64, SLOT_NAME = 40, SLOT_ANY = 255 };

struct device_host;
struct pci_function;
struct slot {
    const char *kind; // "ide"
    char bus[SLOT_NAME];
    unsigned unit;                         // on the bus
    unsigned bus_number;                   // of all buses of the kind
    const void *socket;                    // of the controller's; what it is, those of the kind know
    const struct pci_function *controller; // NULL: it is not on PCI
    unsigned channel;                      // which of its buses
    bool taken;
    const void *taker; // the chip of the device that has it
};

struct slots { // wiring of a board
    struct slot slot[SLOTS];
    unsigned count, buses, unnamed;
};

// A bus with `units` slots of a controller; `number`: which of its buses this is. The sockets are `stride` bytes apart.
// False: there are too many.
bool slots_offer(struct device_host *controller, const char *kind, unsigned number, unsigned units, const void *sockets,
                 unsigned stride);
// The first slot that is free and is on that bus (NULL or "": any) and is that unit (or SLOT_ANY). NULL: there is none.
const struct slot *slots_take(struct slots *slots, const char *kind, const char *bus, unsigned unit, const void *taker);

#endif
