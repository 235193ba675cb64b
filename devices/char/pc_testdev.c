// pc-testdev, as kvm-unit-tests use it: raises interrupts, echoes what is written, and has memory that is not RAM.
// Port E4H (take a page away from the guest) is accepted and does nothing.
#include "devices/bus/bus.h"

enum { ECHO, FLUSH, LINES };
#define MEMORY_BASE 0xff000000ull
enum { MEMORY_BYTES = 65536, LINE_COUNT = 24 };

struct pc_testdev {
    uint32_t echo;
    struct line line[LINE_COUNT]; // wiring
};

static const struct state_field fields[] = {STATE_ONE(struct pc_testdev, echo)};
static const struct state_table testdev_state = STATE_TABLE("pc-testdev", fields);

static uint64_t testdev_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)offset, (void)size;
    return space == ECHO ? ((const struct pc_testdev *)chip)->echo : ~0ull;
}

static void testdev_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)size;
    struct pc_testdev *d = chip;
    if (space == ECHO)
        d->echo = (uint32_t)value;
    else if (space == LINES)
        line_set(&d->line[offset], value != 0);
}

static void testdev_reset(void *chip) { ((struct pc_testdev *)chip)->echo = 0; }

static const char *testdev_create(void *chip, struct device_host *host) {
    struct pc_testdev *d = chip;
    device_ports(host, ECHO, 0xe0, 4, WIDTH_1 | WIDTH_2 | WIDTH_4);
    device_ports(host, FLUSH, 0xe4, 4, WIDTH_1 | WIDTH_2 | WIDTH_4);
    device_ports(host, LINES, 0x2000, LINE_COUNT, WIDTH_1);
    for (unsigned i = 0; i < LINE_COUNT; i++) d->line[i] = device_line(host, i);
    const struct area *area = device_area(host, "pc-testdev", MEMORY_BYTES, false);
    const struct area_view view = {.base = MEMORY_BASE, .bytes = MEMORY_BYTES, .priority = PRIORITY_RAM};
    if (!area) return "there is one already, or memory is short";
    (void)device_show(host, area, &view);
    return NULL;
}

DEVICE(pc_testdev) = {.name = "pc-testdev",
                      .help = "what kvm-unit-tests use to raise interrupts and test I/O",
                      .read = testdev_read,
                      .write = testdev_write,
                      .reset = testdev_reset,
                      .state = &testdev_state,
                      .bytes = sizeof(struct pc_testdev),
                      .create = testdev_create};
