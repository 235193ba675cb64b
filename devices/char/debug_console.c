// Debug consoles; see debug_console.h. QEMU's documentation: isa-debugcon.
#include "devices/char/debug_console.h"

// How a guest finds out that the port is there.
static uint64_t console_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)chip, (void)space, (void)offset, (void)size;
    return 0xe9;
}

static void console_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)offset, (void)size;
    struct debug_console *d = chip;
    if (d->back.write) d->back.write(d->back.context, (uint8_t)value);
}

const struct device debug_console_device = {.name = "debug console", .read = console_read, .write = console_write};
