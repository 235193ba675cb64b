// PCI in ACPI's name space.
#ifndef DEVICES_ACPI_PCI_H
#define DEVICES_ACPI_PCI_H
#include "devices/bus/aml.h"
#include "devices/firmware/acpi.h"

bool acpi_is_q35(const struct acpi_config *config);
// In the scope \_SB: the root of PCI with what is on it, and on a chipset the links of its interrupts.
void acpi_pci_root(struct aml *aml, const struct acpi_config *config);
// At the root of the name space: what tells whether I/O APICs are used (\_PIC).
void acpi_pci_mode(struct aml *aml, const struct acpi_config *config);

#endif
