// The ISA bridge of -machine pc: 82371SB (PIIX3) data sheet, function 0. PIRQRC[A:D] route interrupts; the other
// registers are a store. What is on its ISA bus are chips of the board, and its reset control register is port CF9H of
// theirs.
#include "devices/chipset/chipset.h"
#include "cpu/state/outcome.h"

enum { PIRQRC = 0x60, PIRQRCS = 4, NONE = 0x80 };

struct piix3 {
    struct device_host *host; // wiring
};

static void piix3_written(void *chip, unsigned first, unsigned size) {
    struct chipset *c = ((struct piix3 *)chip)->host->chipset;
    const uint8_t *config = ((struct piix3 *)chip)->host->function->config;
    if (first >= PIRQRC + PIRQRCS || first + size <= PIRQRC) return;
    for (unsigned i = 0; i < PIRQRCS; i++) c->route[i] = config[PIRQRC + i];
    for (unsigned i = PIRQRCS; i < CHIPSET_PIRQS; i++) c->route[i] = NONE;
    chipset_routed(c);
}

static const char *piix3_create(void *chip, struct device_host *host) {
    ((struct piix3 *)chip)->host = host;
    return host->chipset ? NULL : "this board has no chipset";
}

#define STORE (uint32_t) BITS(31, 0)
static const struct pci_register registers[] = {
    {0x4c, 4, 0x0003004d, STORE, 0}, {PIRQRC, 4, 0x80808080, STORE, 0}, {0x68, 4, 0x00000200, STORE, 0},
    {0x70, 4, 0x00000080, STORE, 0}, {0x74, 4, 0x0c0c0000, STORE, 0},   {0x78, 4, 0x00000002, STORE, 0},
    {0xa0, 4, 0x00000008, STORE, 0}, {0xa8, 4, 0x0000000f, STORE, 0},
};
static const struct pci_identity identity = {.vendor = 0x8086,
                                             .device = 0x7000,
                                             .class = 6,
                                             .subclass = 1,
                                             .status = 0x0200,
                                             .header = PCI_HEADER_MANY,
                                             .subsystem_vendor = 0x1af4,
                                             .subsystem = 0x1100,
                                             .registers = registers,
                                             .register_count = sizeof registers / sizeof *registers,
                                             .config_written = piix3_written};

DEVICE(piix3) = {.name = "PIIX3",
                 .help = "the ISA bridge of -machine pc",
                 .fixed = true,
                 .bytes = sizeof(struct piix3),
                 .function = &identity,
                 .create = piix3_create};
