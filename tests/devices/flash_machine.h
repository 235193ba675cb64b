// A machine with two units of flash, whose images lie in memory.
#pragma once
#include "devices/board/config.h"
#include "devices/disk/memory_image.h"
#include "devices/machine/machine.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>

enum { FLASH_BYTES = 0x8000, FLASH_BLOCK = 4096 };
#define CODE_BASE (0x100000000ull - FLASH_BYTES)
#define VARS_BASE (CODE_BASE - FLASH_BYTES)

struct flash_images {
    uint8_t bytes[2][FLASH_BYTES];
    struct memory_image image[2];
};

// The first unit is read-only. `through`: what is stored goes to the second one's image.
static inline struct machine *flash_machine(struct flash_images *f, uint8_t board, bool through) {
    struct machine_config config;
    char error[200] = "", text[64];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 2 << 20;
    config.machine = board;
    for (unsigned unit = 0; unit < 2; unit++) {
        for (unsigned i = 0; i < FLASH_BYTES; i++) f->bytes[unit][i] = (uint8_t)(i * 13 + (i >> 8) + unit);
        f->image[unit] = (struct memory_image){.data = f->bytes[unit], .bytes = FLASH_BYTES, .writes = through};
        struct drive_config d = {.interface = DRIVE_PFLASH,
                                 .index = (uint8_t)unit,
                                 .read_only = unit == 0,
                                 .bytes = FLASH_BYTES,
                                 .back = memory_image_back(&f->image[unit])};
        snprintf(d.id, sizeof d.id, "pflash%u", unit);
        snprintf(text, sizeof text, "cfi.pflash01,unit=%u", unit);
        if (!machine_config_drive(&config, &d, error, sizeof error) ||
            !machine_config_device(&config, text, error, sizeof error))
            bail("%s", error);
    }
    if (!machine_config_device(&config, "vmcoreinfo", error, sizeof error)) bail("%s", error); // a file to write
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    return m;
}
