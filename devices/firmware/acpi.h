// The ACPI tables of the board.
#ifndef DEVICES_ACPI_H
#define DEVICES_ACPI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACPI_BASE = 0xf0000, ACPI_BYTES = 0x4000 }; // physical; the RSDP is first
struct acpi_config {
    uint32_t cpus;
    uint32_t serial_ports;
    uint32_t pci_window_first, pci_window_last; // memory that PCI devices may use
};
// Writes all tables for ACPI_BASE into `out` (ACPI_BYTES); false: they do not fit.
bool acpi_write(const struct acpi_config *config, uint8_t *out);

#endif
