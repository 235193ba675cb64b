// QEMU's pci-testdev: docs/specs/pci-testdev.rst. BAR 0 is memory, BAR 1 ports: of each, one half is the header, the
// other half is where the test writes. A test is chosen by writing its number to the header; then writes of `width`
// bytes to `offset` are counted, in the last test only those of `data`.
//
// What a guest measures with it is how its hypervisor, or QEMU, passes such writes on. Here all pass alike.
#include "devices/pci/function.h"
#include <string.h>

enum { MEMORY, PORTS }; // the base address registers
enum { MEMORY_BYTES = 4096, PORT_COUNT = 256 };
enum { TESTS = 3, TEST_DATAMATCH = 2, TESTDEV_NONE = 0xff, WIDTH = 1, DATA = 0xfa };

struct pci_testdev {
    uint32_t count; // accepted writes since the test was chosen
    uint8_t space;  // the block whose test was chosen last
    uint8_t test;   // its number; TESTDEV_NONE
};

static const struct state_field fields[] = {
    STATE_ONE(struct pci_testdev, count),
    STATE_ONE_TO(struct pci_testdev, space, 1),
    STATE_ONE(struct pci_testdev, test),
};
static const struct state_table testdev_state = STATE_TABLE("pci-testdev", fields);

struct header {
    uint8_t test, width, pad[2];
    uint32_t offset, data, count;
    char name[32];
};

static uint32_t offset_of_test(unsigned space, unsigned test) {
    return (space == PORTS ? PORT_COUNT : MEMORY_BYTES) / 2 + test;
}

static bool chosen(const struct pci_testdev *d, unsigned space) { return d->test < TESTS && d->space == space; }

static uint64_t testdev_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    static const char *const names[2][TESTS] = {
        {"mmio-no-eventfd", "mmio-wildcard-eventfd", "mmio-datamatch-eventfd"},
        {"portio-no-eventfd", "portio-wildcard-eventfd", "portio-datamatch-eventfd"}};
    const struct pci_testdev *d = chip;
    uint64_t value = 0;
    if (!chosen(d, space) || offset + size > sizeof(struct header)) return 0;
    struct header h = {d->test, WIDTH, {0, 0}, offset_of_test(space, d->test), DATA, d->count, ""};
    strncpy(h.name, names[space][d->test], sizeof h.name - 1);
    memcpy(&value, (const char *)&h + offset, size);
    return value;
}

static void testdev_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct pci_testdev *d = chip;
    if (offset == 0) {
        d->space = (uint8_t)space;
        d->test = (value & 0xff) < TESTS ? (uint8_t)value : TESTDEV_NONE;
        d->count = 0;
    } else if (chosen(d, space) && offset == offset_of_test(space, d->test) && size >= WIDTH) {
        if (d->test != TEST_DATAMATCH || (value & 0xff) == DATA) d->count++;
    }
}

static void testdev_reset(void *chip) { *(struct pci_testdev *)chip = (struct pci_testdev){.test = TESTDEV_NONE}; }

static const struct pci_identity identity = {
    .vendor = 0x1b36,
    .device = 0x0005,
    .subclass = 0xff,
    .command = 0x0003,
    .bar = {[MEMORY] = {.bytes = MEMORY_BYTES, .widths = WIDTH_1 | WIDTH_2 | WIDTH_4, .kind = PCI_MEMORY},
            [PORTS] = {.bytes = PORT_COUNT, .widths = WIDTH_1 | WIDTH_2 | WIDTH_4, .kind = PCI_PORTS}},
};

DEVICE(pci_testdev) = {.name = "pci-testdev",
                       .help = "counts writes, for kvm-unit-tests",
                       .read = testdev_read,
                       .write = testdev_write,
                       .reset = testdev_reset,
                       .state = &testdev_state,
                       .bytes = sizeof(struct pci_testdev),
                       .function = &identity};
