// What the chips of a chipset share with the board: the pins of PCI functions and where they go, what is seen between
// C0000H and FFFFFH, the power management's ports. Private to devices/.
#ifndef DEVICES_CHIPSET_H
#define DEVICES_CHIPSET_H
#include "devices/chipset/pam.h"
#include "devices/pci/pci.h"
#include "devices/timer/pm.h"

enum { CHIPSET_PIRQS = 8, CHIPSET_FUNCTIONS = 32, CHIPSET_INPUTS = 24 };
enum chipset_kind { CHIPSET_PC = 1, CHIPSET_Q35 };

struct chipset {
    // architectural
    uint32_t asserted; // a bit for each function: it asserts its pin
    // derived from the registers of the ISA bridge
    uint8_t route[CHIPSET_PIRQS];   // PIRQA, ...: an ISA IRQ; 16 and more: none
    uint16_t slot_route[PCI_SLOTS]; // of ICH9: four bits for each pin of a device number: which PIRQ
    // wiring
    uint8_t kind; // enum chipset_kind
    const struct pci_function *function[CHIPSET_FUNCTIONS];
    struct pci *pci;
    struct pam pam;
    struct pm *pm;
    unsigned pm_ports, ecam; // numbers in the maps
    void (*set_input)(void *owner, unsigned input, bool level);
    void *owner;
};
extern const struct state_table chipset_state;

void chipset_init(struct chipset *chipset, uint8_t kind, struct pci *pci, struct pm *pm);
// The level of a function's pin. `number`: as the device is counted.
struct line chipset_pin(struct chipset *chipset, unsigned number, const struct pci_function *function);
void chipset_routed(struct chipset *chipset); // routes have changed: the inputs as they are now
// Where the pin of a device number on the root bus goes: PIRQA is 0.
unsigned chipset_pirq(const struct chipset *chipset, unsigned slot, unsigned pin);
// The input of the I/O APIC that it is at; -1: none.
int chipset_input(const struct chipset *chipset, unsigned pirq);
// Where the ports of power management are; before firmware has said so, where SeaBIOS puts them.
uint32_t chipset_power(const struct chipset *chipset);

#endif
