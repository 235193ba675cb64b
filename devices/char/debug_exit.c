// isa-debug-exit: a port that ends the run. QEMU's documentation: isa-debug-exit.
#include "devices/bus/bus.h"

struct debug_exit {
    uint32_t code; // the last value written
    // wiring
    uint16_t iobase, iosize;
    struct device_host *host;
};

static const struct state_field fields[] = {STATE_ONE(struct debug_exit, code)};
static const struct state_table exit_state = STATE_TABLE("isa-debug-exit", fields);

static const struct device_option options[] = {
    DEVICE_OPTION(struct debug_exit, iobase, "PORT", NUMBER, 0x501, 1, 0xffff, "a port from 1 to 0xffff"),
    DEVICE_OPTION(struct debug_exit, iosize, "BYTES", POWER, 2, 1, 4, "1, 2 or 4"),
};

static uint64_t exit_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)chip, (void)space, (void)offset, (void)size;
    return 0;
}

static void exit_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)offset, (void)size;
    struct debug_exit *d = chip;
    d->code = (uint32_t)value;
    device_exit(d->host, d->code);
}

static void exit_reset(void *chip) { ((struct debug_exit *)chip)->code = 0; }

static const char *exit_create(void *chip, struct device_host *host) {
    struct debug_exit *d = chip;
    if (d->iobase + d->iosize > 0x10000) return "it must end below port 10000H";
    d->host = host;
    device_ports(host, 0, d->iobase, d->iosize, WIDTH_1 | WIDTH_2 | WIDTH_4);
    return NULL;
}

DEVICE(debug_exit) = {.name = "isa-debug-exit",
                      .help = "a write of N to its port ends vmxray with 2 * N + 1",
                      .read = exit_read,
                      .write = exit_write,
                      .reset = exit_reset,
                      .state = &exit_state,
                      .bytes = sizeof(struct debug_exit),
                      .option = options,
                      .options = sizeof options / sizeof *options,
                      .create = exit_create};
