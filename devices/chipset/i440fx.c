// The host bridge of an i440FX: 82441FX data sheet. Its registers are a store, but for PAM0 to PAM6. NOT IMPLEMENTED:
// SMM's RAM: SMRAM is a store without effect.
#include "devices/chipset/chipset.h"
#include "cpu/state/outcome.h"

enum { PAM0 = 0x59 };

struct i440fx {
    struct device_host *host; // wiring
};

static void i440fx_written(void *chip, unsigned first, unsigned size) {
    struct i440fx *c = chip;
    if (first + size <= PAM0 || first >= PAM0 + PAM_REGISTERS) return;
    pam_set(&c->host->chipset->pam, &c->host->function->config[PAM0]);
}

static const char *i440fx_create(void *chip, struct device_host *host) {
    ((struct i440fx *)chip)->host = host;
    return host->chipset ? NULL : "this board has no chipset";
}

#define STORE (uint32_t) BITS(31, 0)
static const struct pci_register registers[] = {
    {0x54, 4, 0x10000000, STORE, 0},
    {0x70, 4, 0x00020000, STORE, 0},
};
static const struct pci_identity identity = {.vendor = 0x8086,
                                             .device = 0x1237,
                                             .revision = 2,
                                             .class = 6,
                                             .subsystem_vendor = 0x1af4,
                                             .subsystem = 0x1100,
                                             .registers = registers,
                                             .register_count = sizeof registers / sizeof *registers,
                                             .config_written = i440fx_written};

DEVICE(i440fx) = {.name = "i440FX",
                  .help = "the host bridge of -machine pc",
                  .fixed = true,
                  .bytes = sizeof(struct i440fx),
                  .function = &identity,
                  .create = i440fx_create};
