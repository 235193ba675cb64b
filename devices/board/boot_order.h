// In which order firmware tries devices (bootindex=): their paths, as OpenFirmware writes them and QEMU does. SeaBIOS
// and OVMF find the devices by them. QEMU, docs/system/bootindex.rst; IEEE 1275-1994, PCI Bus Binding 2.1.
#ifndef DEVICES_BOOT_ORDER_H
#define DEVICES_BOOT_ORDER_H
#include "devices/board/config.h"
#include "devices/pci/pci.h"

enum { BOOT_PATH = 512, BOOT_ORDER_TEXT = MACHINE_DRIVES * BOOT_PATH };
struct boot_order { // wiring of a board; sorted
    struct boot_device {
        uint32_t index;
        char path[BOOT_PATH];
    } device[MACHINE_DRIVES];
    unsigned devices;
};

// False: the index is there already.
bool boot_order_add(struct boot_order *order, const struct pci *pci, const struct pci_function *controller,
                    uint32_t index, const char *path);
uint32_t boot_order_text(const struct boot_order *order, char text[BOOT_ORDER_TEXT]); // its bytes; 0: there is none

#endif
