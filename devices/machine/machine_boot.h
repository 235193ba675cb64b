// What a machine begins with: a value that a loader made, out of files or by hand. The machine applies it at once, and
// again at each reset, as firmware would load a kernel again: so a copy of a machine, a replay and a page in a browser
// need no loader. What it does not name stays as it is; RAM keeps its contents over a reset.
#ifndef DEVICES_MACHINE_BOOT_H
#define DEVICES_MACHINE_BOOT_H
#include "devices/machine/machine_input.h"

// `bytes` of RAM from `physical` on: the first `present` of them are those at `data`, the others 0.
struct boot_piece {
    uint64_t physical, bytes, present;
    const void *data;
};
// A register of the first processor, of 8 bytes or fewer. Those that are not named are as a reset leaves them.
struct boot_register {
    enum register_number number;
    uint64_t value;
};
struct boot_image {
    const struct boot_piece *piece;
    unsigned pieces;
    const struct boot_register *reg;
    unsigned registers;
    // The file that it was made of, for who wants the names in it; no machine looks at it. NULL: it is not kept.
    const void *file;
    uint64_t file_bytes;
};

// Part of the configuration, not an input: to be given before the first step. The image and what it points to must stay
// as they are until the machine has another (NULL: none) or is freed; any number of machines may share it. False, and
// nothing is changed: a piece lies outside RAM, or a register cannot have its value.
bool machine_boot(struct machine *machine, const struct boot_image *image);
const struct boot_image *machine_boot_image(const struct machine *machine); // NULL: none
// For resets to come alone, of a machine whose state was put back: nothing is applied now.
bool machine_set_boot(struct machine *machine, const struct boot_image *image);

#endif
