// What firmware leaves behind in low memory for those who look there.
#ifndef DEVICES_BIOS_DATA_H
#define DEVICES_BIOS_DATA_H
#include <stdint.h>

enum {
    BIOS_EBDA = 0x9fc00, // physical, of the extended BIOS data area, up to 640 KBytes
    BIOS_AREA = 0xe0000, // to 1 MByte
    TEXT_SCREEN = 0xb8000,
    TEXT_SCREEN_BYTES = 0x8000,
};

// The BIOS data area and its extension, and an empty screen, into the first MByte.
void bios_data_write(uint8_t *ram, unsigned serial_ports);

#endif
