// The ACPI tables as files for firmware, which places them: etc/acpi/tables, etc/acpi/rsdp, etc/table-loader. They are
// acpi_write's, with what firmware has chosen by then.
#ifndef DEVICES_ACPI_LOADER_H
#define DEVICES_ACPI_LOADER_H
#include "devices/chipset/chipset.h"
#include "devices/firmware/acpi.h"
#include "devices/firmware/fw_cfg.h"

struct acpi_loader { // derived
    struct acpi_config acpi;
    uint8_t *tables, *rsdp, *script; // the files' bytes
    struct acpi_chosen {
        bool made;
        uint32_t power;
        uint8_t route[CHIPSET_PIRQS];
        uint16_t slot_route[PCI_SLOTS];
    } chosen; // that they were made for
};
void acpi_loader_add(struct acpi_loader *loader, struct fw_cfg *fw, const struct acpi_config *acpi);

#endif
