// Power management of -machine pc: 82371AB (PIIX4) data sheet, function 3. The ports that PMBA says are the board's
// power management; SMBBA those of an SMBus without anything on it. Registers say that SMM is set up already, as QEMU's
// do with smm=off. NOT IMPLEMENTED: general-purpose events, SMI: ports B2H and B3H are a store.
#include "devices/chipset/chipset.h"
#include "devices/chipset/smbus.h"
#include "cpu/state/outcome.h"

enum { DEVACTB = 0x58, PMBA = 0x40, PMREGMISC = 0x80, SMBBA = 0x90, SMBHSTCFG = 0xd2, BASE = 0xffc0, ENABLE = 1 };
enum { APM, SMBUS, APM_PORT = 0xb2, APM_PORTS = 2 };

struct piix4_pm {
    uint8_t apm[APM_PORTS];
    struct smbus smbus;
    // wiring
    struct device_host *host;
    unsigned smbus_ports;
};
static const struct state_field fields[] = {
    STATE_ARRAY(struct piix4_pm, apm),
    STATE_ARRAY(struct piix4_pm, smbus.reg),
};
static const struct state_table piix4_pm_state = STATE_TABLE("piix4-pm", fields);

static void piix4_pm_written(void *chip, unsigned first, unsigned size) {
    (void)first, (void)size;
    struct piix4_pm *c = chip;
    const struct pci_function *f = c->host->function;
    struct map *map = &c->host->bus->ports;
    map_place(map, c->host->chipset->pm_ports, pci_function_read(f, PMBA, 2) & BASE, f->config[PMREGMISC] & ENABLE);
    map_place(map, c->smbus_ports, pci_function_read(f, SMBBA, 2) & BASE, f->config[SMBHSTCFG] & ENABLE);
}

static uint64_t piix4_pm_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)size;
    const struct piix4_pm *c = chip;
    return space == APM ? c->apm[offset] : smbus_read(&c->smbus, offset);
}

static void piix4_pm_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)size;
    struct piix4_pm *c = chip;
    if (space == APM)
        c->apm[offset] = (uint8_t)value;
    else
        smbus_write(&c->smbus, offset, (uint8_t)value);
}

static void piix4_pm_reset(void *chip) {
    struct piix4_pm *c = chip;
    c->apm[0] = c->apm[1] = 0;
    c->smbus = (struct smbus){0};
}

static const char *piix4_pm_create(void *chip, struct device_host *host) {
    struct piix4_pm *c = chip;
    c->host = host;
    if (!host->chipset) return "this board has no chipset";
    device_ports(host, APM, APM_PORT, APM_PORTS, WIDTH_1);
    struct region r = {.bytes = SMBUS_PORTS,
                       .device = host->device,
                       .chip = chip,
                       .space = SMBUS,
                       .widths = WIDTH_1,
                       .priority = PRIORITY_CHIP,
                       .off = true};
    c->smbus_ports = map_add(&host->bus->ports, &r);
    return NULL;
}

#define STORE (uint32_t) BITS(31, 0)
static const struct pci_register registers[] = {
    {PMBA, 4, 0x00000001, STORE, 0}, {DEVACTB, 4, 0x02000000, STORE, 0}, {0x5c, 4, 0x10000000, STORE, 0},
    {0x60, 4, 0x60000000, STORE, 0}, {SMBBA, 4, 0x0000b101, STORE, 0},   {0xd0, 4, 0x00090000, STORE, 0},
};
static const struct pci_identity identity = {.vendor = 0x8086,
                                             .device = 0x7113,
                                             .revision = 3,
                                             .class = 6,
                                             .subclass = 0x80,
                                             .status = 0x0280,
                                             .pin = 1,
                                             .subsystem_vendor = 0x1af4,
                                             .subsystem = 0x1100,
                                             .registers = registers,
                                             .register_count = sizeof registers / sizeof *registers,
                                             .config_written = piix4_pm_written};

DEVICE(piix4_pm) = {.name = "PIIX4_PM",
                    .help = "power management of -machine pc",
                    .fixed = true,
                    .read = piix4_pm_read,
                    .write = piix4_pm_write,
                    .reset = piix4_pm_reset,
                    .state = &piix4_pm_state,
                    .bytes = sizeof(struct piix4_pm),
                    .function = &identity,
                    .create = piix4_pm_create};
