// The host bridge of a q35: Intel 3 Series Express chipset family data sheet (MCH), 5.1. PAM0 to PAM6 and PCIEXBAR; the
// other registers are a store. NOT IMPLEMENTED: SMM's RAM: SMRAM and ESMRAMC are stores without effect.
#include "devices/chipset/chipset.h"
#include "cpu/state/outcome.h"

enum { PCIEXBAR = 0x60, PAM0 = 0x90, SMRAM = 0x9d, MBYTES_256 = 256 << 20 };
#define PCIEXBAR_ENABLE BIT(0)
#define PCIEXBAR_LENGTH(value) ((value) >> 1 & 3) // 256, 128, 64 MBytes

struct mch {
    struct device_host *host; // wiring
};

// "The base address is aligned to the length": the buses past it are not seen.
static void place_ecam(struct mch *c) {
    const struct pci_function *f = c->host->function;
    uint32_t low = pci_function_read(f, PCIEXBAR, 4), length = PCIEXBAR_LENGTH(low);
    uint64_t bytes = length == 3 ? 0 : MBYTES_256 >> length;
    uint64_t base = (low | (uint64_t)pci_function_read(f, PCIEXBAR + 4, 4) << 32) & BITS(35, 26) & ~(bytes - 1);
    struct map *map = &c->host->bus->memory;
    map_place(map, c->host->chipset->ecam, base, low & PCIEXBAR_ENABLE && bytes);
}

static bool touches(unsigned first, unsigned size, unsigned at, unsigned bytes) {
    return first < at + bytes && at < first + size;
}

static void mch_written(void *chip, unsigned first, unsigned size) {
    struct mch *c = chip;
    if (touches(first, size, PAM0, PAM_REGISTERS)) pam_set(&c->host->chipset->pam, &c->host->function->config[PAM0]);
    if (touches(first, size, PCIEXBAR, 8)) place_ecam(c);
}

static const char *mch_create(void *chip, struct device_host *host) {
    ((struct mch *)chip)->host = host;
    return host->chipset ? NULL : "this board has no chipset";
}

static const struct pci_register registers[] = {
    {0x50, 2, 0x0010, 0x0000, 0}, // TSEG could be so many MBytes
    {PCIEXBAR, 4, 0xb0000000, 0xffffffff, 0},
    {SMRAM, 2, 0x3802, 0x0018, 0},
};
static const struct pci_identity identity = {.vendor = 0x8086,
                                             .device = 0x29c0,
                                             .class = 6,
                                             .subsystem_vendor = 0x1af4,
                                             .subsystem = 0x1100,
                                             .registers = registers,
                                             .register_count = sizeof registers / sizeof *registers,
                                             .config_written = mch_written};

DEVICE(mch) = {.name = "mch",
               .help = "the host bridge of -machine q35",
               .fixed = true,
               .bytes = sizeof(struct mch),
               .function = &identity,
               .create = mch_create};
