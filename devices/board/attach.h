// The devices that a board has beside its chips: made from rows, as the configuration lists them. Private to devices/.
#ifndef DEVICES_ATTACH_H
#define DEVICES_ATTACH_H
#include "devices/board/config.h"
#include "devices/board/part.h"
#include "devices/pci/pci.h"

struct attached {
    const struct device *device;
    void *chip;
    struct device_host host;
    struct device_place place; // as its options have it
    struct pci_function function;
    struct pci_identity identity; // the device's row's, as `create` left it
    // architectural
    uint8_t config[PCI_CONFIG]; // the function's configuration space
    struct pci_interrupts interrupts;
};

struct board;
struct aml;

// The row of the device that a text (NAME,key=value) begins with, and the text behind its name; NULL: there is none.
const struct device *device_named(const char *text, const char **options);

// Makes every device that the configuration lists. False: one line in `error` says why one cannot be had.
// Its own: of the chipset. Those that drive interrupt inputs are numbered; drives do not.
enum { BOARD_OWN_DEVICES = 5, BOARD_NUMBERS = MACHINE_DEVICES + BOARD_OWN_DEVICES };
enum { BOARD_DEVICES = BOARD_NUMBERS + MACHINE_DRIVES };
bool board_attach(struct board *board, const struct machine_config *config, char *error, size_t error_size);
void board_detach(struct board *board);
void attached_reset(struct board *board);
void attached_firmware(struct board *board);                        // as firmware leaves them, where none runs
const struct attached *attached_display(const struct board *board); // the first one; NULL: there is none
void attached_loaded(struct board *board);
bool attached_part(struct board *board, unsigned index, struct machine_part *out);
void attached_describe(const struct board *board, bool pci, struct aml *aml); // those on PCI, or the others

#endif
