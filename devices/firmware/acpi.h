// The ACPI tables of the board.
#ifndef DEVICES_ACPI_H
#define DEVICES_ACPI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACPI_BASE = 0xf0000, ACPI_BYTES = 0x4000 }; // physical; the RSDP is first
// Where in the name space the chips and devices describe themselves: below the board, the ISA bridge, the PCI root.
enum acpi_scope { ACPI_BOARD, ACPI_ISA, ACPI_PCI };
struct aml;
struct acpi_config {
    uint32_t cpus;
    uint32_t pci_window_first, pci_window_last; // memory that PCI devices may use
    void (*describe)(const void *owner, enum acpi_scope scope, struct aml *aml);
    const void *owner;
};
// Writes all tables for ACPI_BASE into `out` (ACPI_BYTES); false: they do not fit.
bool acpi_write(const struct acpi_config *config, uint8_t *out);

#endif
