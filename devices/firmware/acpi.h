// The ACPI tables of the board.
#ifndef DEVICES_ACPI_H
#define DEVICES_ACPI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where they are: the RSDP alone in a page below 1 MByte, where a scan finds it; the tables high in RAM, in memory that
// an operating system may use again when it has read them, and behind these the FACS, in memory that it may not.
enum {
    ACPI_RSDP = 0xf0000, // physical
    ACPI_RSDP_BYTES = 36,
    ACPI_TABLES = 0x4000,
    ACPI_NVS = 0x1000,
    ACPI_BYTES = ACPI_TABLES + ACPI_NVS,
};
// Where in the name space the chips and devices describe themselves: below the board, the ISA bridge, the PCI root.
enum acpi_scope { ACPI_BOARD, ACPI_ISA, ACPI_PCI };
struct aml;
struct chipset;
// Where the tables name addresses, and where sums are: for firmware that places the tables itself (acpi_loader.h).
enum { ACPI_POINTERS = 32, ACPI_SUMS = 16 };
struct acpi_links {
    struct acpi_pointer {
        uint32_t at; // of the pointer, whose value counts from the tables' beginning
        uint8_t bytes;
    } pointer[ACPI_POINTERS];
    struct acpi_sum {
        uint32_t at, start, bytes; // of the checksum, which is 0, and of what it is of
    } sum[ACPI_SUMS];
    unsigned pointers, sums;
};
struct acpi_config {
    uint32_t base; // physical, of the tables
    uint32_t cpus;
    bool display;                               // there is one
    bool com1;                                  // there is a COM1, for the console
    uint32_t pci_window_first, pci_window_last; // memory that PCI devices may use
    struct acpi_links *links;                   // with base 0: is filled; NULL: addresses are final
    const struct chipset *chipset;              // where pins of PCI go; NULL: as on the plain board
    void (*describe)(const void *owner, enum acpi_scope scope, struct aml *aml);
    const void *owner;
};
// Writes all tables into `out` (ACPI_BYTES), and the pointer to them; false: they do not fit.
bool acpi_write(const struct acpi_config *config, uint8_t *out, uint8_t rsdp[ACPI_RSDP_BYTES]);

#endif
