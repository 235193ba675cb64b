// What firmware would do with a chipset, for a kernel that is booted without any.
#ifndef DEVICES_SETUP_H
#define DEVICES_SETUP_H
#include "devices/chipset/chipset.h"

enum {
    SETUP_POWER = 0x600,  // ports: power management,
    SETUP_SMBUS = 0x700,  // the SMBus,
    SETUP_PORTS = 0xc000, // base address registers
    SETUP_SCI = 9,
};
#define SETUP_ECAM 0xb0000000u // of q35, 256 MBytes
#define SETUP_RCBA 0xfed1c000u
#define SETUP_MEMORY_END 0xfec00000u // base address registers, from here downwards

// The ISA IRQ that a PIRQ is routed to.
unsigned setup_irq(unsigned pirq);
// Everything that SeaBIOS sets: PAM to RAM, routes, the ports of power management, ECAM, buses, addresses. `window`:
// where memory for PCI begins.
void setup_chipset(struct chipset *chipset, uint32_t window);

#endif
