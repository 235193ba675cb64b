// Flash memory for firmware, and the ROM that may be there instead.
#ifndef DEVICES_FLASH_H
#define DEVICES_FLASH_H
#include "devices/bus/bus.h"

// ROM's image is a file of the configuration (machine_config.file), flash's a drive. The areas that hold them:
#define ROM_FILE "board/bios"
#define ROM_AREA "bios"
#define FLASH_AREA_0 "pflash0"
#define FLASH_AREA_1 "pflash1"

// rom.c: the last 128 KBytes of an area are seen below 1 MByte, where RAM does not hide them.
void rom_show_low(struct device_host *host, const struct area *area);

#endif
