// Debug ports; see debug_ports.h. QEMU's documentation: isa-debug-exit, isa-debugcon; kvm-unit-tests: pc-testdev.
// pc-testdev's port E4H (take a page away from the guest) is accepted and does nothing.
#include "devices/char/debug_ports.h"

static const struct state_field fields[] = {
    STATE_ONE(struct debug_ports, exit_code),
    STATE_ONE(struct debug_ports, echo),
};
static const struct state_table debug_state = STATE_TABLE("debug", fields);

static uint64_t debug_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)offset, (void)size;
    const struct debug_ports *d = chip;
    switch (space) {
    case DEBUG_EXIT: return 0;
    case DEBUG_CONSOLE_E9:
    case DEBUG_CONSOLE_402: return 0xe9; // how a guest finds out that the port is there
    case TESTDEV_ECHO: return d->echo;
    default: return ~0ull;
    }
}

static void debug_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)size;
    struct debug_ports *d = chip;
    switch (space) {
    case DEBUG_EXIT:
        d->exit_code = (uint32_t)value;
        d->exit(d->owner);
        break;
    case DEBUG_CONSOLE_E9:
    case DEBUG_CONSOLE_402:
        if (d->console) d->console(d->console_context, (uint8_t)value);
        break;
    case TESTDEV_ECHO: d->echo = (uint32_t)value; break;
    case TESTDEV_LINES:
        if (offset < TESTDEV_LINE_COUNT) d->interrupt(d->owner, (unsigned)offset, value != 0);
        break;
    default: break;
    }
}

static void debug_reset(void *chip) {
    struct debug_ports *d = chip;
    d->exit_code = d->echo = 0;
}

const struct device debug_ports_device = {"debug", debug_read, debug_write, debug_reset, &debug_state};
