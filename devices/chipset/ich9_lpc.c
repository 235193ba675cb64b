// The ISA bridge of -machine q35: Intel I/O Controller Hub 9 (ICH9) data sheet, 10.1 (chipset configuration
// registers), 13.1 (function 0 of device 31), 13.8.3 (power management). PMBASE, ACPI_CNTL and RCBA place registers,
// PIRQ[A:H]_ROUT and DnnIR route interrupts; the other registers are a store. Registers say that SMM is set up already,
// as QEMU's do with smm=off. NOT IMPLEMENTED: general-purpose events, SMI, TCO: their registers are a store; an SCI
// other than IRQ 9.
#include "devices/chipset/chipset.h"
#include "cpu/state/outcome.h"
#include <string.h>

enum { PMBASE = 0x40, PIRQA_ROUT = 0x60, PIRQE_ROUT = 0x68, RCBA = 0xf0, PMBASE_MASK = 0xff80 };
enum { APM, POWER, CHIPSET, APM_PORT = 0xb2, APM_PORTS = 2, POWER_FIRST = 0x10, POWER_PORTS = 0x70 };
enum { CHIPSET_BYTES = 0x4000, D31IR = 0x3140, ROUTED_SLOTS = 7, SLOT_STEP = 2, GCS = 0x3410, KEPT = 0x3000 };
enum { SMI_EN = 0x30, GCS_NO_REBOOT = 0x20 };
#define RCBA_ENABLE BIT(0)
#define RCBA_BASE BITS(31, 14)
#define APMC_EN BIT(5)
#define ROUTE_DEFAULT 0x3210

struct ich9_lpc {
    uint8_t apm[APM_PORTS];
    uint8_t power[POWER_PORTS];
    uint8_t chipset[CHIPSET_BYTES - KEPT]; // from offset 3000H on; below it, of virtual channels, there is nothing
    // wiring
    struct device_host *host;
    unsigned power_ports, chipset_memory;
};
static const struct state_field fields[] = {
    STATE_ARRAY(struct ich9_lpc, apm),
    STATE_ARRAY(struct ich9_lpc, power),
    STATE_ARRAY(struct ich9_lpc, chipset),
};
static const struct state_table ich9_lpc_state = STATE_TABLE("ich9-lpc", fields);

// --- interrupts ---
static uint16_t chipset16(const struct ich9_lpc *c, unsigned offset) {
    uint16_t value;
    memcpy(&value, c->chipset + offset - KEPT, sizeof value);
    return value;
}

// Which PIRQ the pins of a device number go to: INTA's number in bits 3:0. Devices 31 to 25 have a register, but for
// 30, the bridge to PCI; the others are up to the board's maker: as on QEMU's.
static uint16_t slot_route(const struct ich9_lpc *c, unsigned slot) {
    static const uint16_t offsets[ROUTED_SLOTS] = {0x3150, 0x314c, 0x3148, 0x3146, 0x3144, 0, D31IR};
    uint16_t route = 0;
    unsigned first = slot == 30 ? 0 : slot;
    if (slot >= PCI_SLOTS - ROUTED_SLOTS && offsets[slot - (PCI_SLOTS - ROUTED_SLOTS)])
        return chipset16(c, offsets[slot - (PCI_SLOTS - ROUTED_SLOTS)]);
    for (unsigned pin = 0; pin < 4; pin++) route |= (uint16_t)((((first + pin) & 3) + 4) << (4 * pin));
    return route;
}

static void route(struct ich9_lpc *c) {
    struct chipset *set = c->host->chipset;
    const uint8_t *config = c->host->function->config;
    memcpy(set->route, config + PIRQA_ROUT, 4);
    memcpy(set->route + 4, config + PIRQE_ROUT, 4);
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) set->slot_route[slot] = slot_route(c, slot);
    chipset_routed(set);
}

// --- registers ---
static void ich9_lpc_written(void *chip, unsigned first, unsigned size) {
    (void)first, (void)size;
    struct ich9_lpc *c = chip;
    const struct pci_function *f = c->host->function;
    uint32_t power = pci_function_read(f, PMBASE, 4) & PMBASE_MASK, rcba = pci_function_read(f, RCBA, 4);
    map_place(&c->host->bus->ports, c->host->chipset->pm_ports, power, power);
    map_place(&c->host->bus->ports, c->power_ports, power + POWER_FIRST, power);
    map_place(&c->host->bus->memory, c->chipset_memory, rcba & RCBA_BASE, rcba & RCBA_ENABLE);
    route(c);
}

// The bytes of a register block, from the offset on; NULL: not all of them are there.
static uint8_t *bytes_of(struct ich9_lpc *c, unsigned space, uint64_t offset) {
    if (space == APM) return c->apm + offset;
    if (space == POWER) return c->power + offset;
    return offset >= KEPT ? c->chipset + (offset - KEPT) : NULL;
}

static uint64_t ich9_lpc_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    const uint8_t *at = bytes_of(chip, space, offset);
    if (at) memcpy(&value, at, size);
    return value;
}

static void ich9_lpc_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    uint8_t *at = bytes_of(chip, space, offset);
    if (at) memcpy(at, &value, size);
    if (space == CHIPSET) route(chip);
}

static void ich9_lpc_reset(void *chip) {
    static const uint16_t routed[] = {0x3150, 0x314c, 0x3148, 0x3146, 0x3144, D31IR};
    const uint16_t standard = ROUTE_DEFAULT;
    struct ich9_lpc *c = chip;
    memset(c->apm, 0, sizeof c->apm);
    memset(c->power, 0, sizeof c->power);
    memset(c->chipset, 0, sizeof c->chipset);
    c->power[SMI_EN - POWER_FIRST] = (uint8_t)APMC_EN;
    for (unsigned i = 0; i < sizeof routed / sizeof *routed; i++)
        memcpy(c->chipset + routed[i] - KEPT, &standard, sizeof standard);
    c->chipset[GCS - KEPT] = GCS_NO_REBOOT;
    route(c);
}

static const char *ich9_lpc_create(void *chip, struct device_host *host) {
    struct ich9_lpc *c = chip;
    c->host = host;
    if (!host->chipset) return "this board has no chipset";
    device_ports(host, APM, APM_PORT, APM_PORTS, WIDTH_1);
    struct region r = {.bytes = POWER_PORTS,
                       .device = host->device,
                       .chip = chip,
                       .space = POWER,
                       .widths = WIDTH_1 | WIDTH_2 | WIDTH_4,
                       .priority = PRIORITY_CHIP,
                       .off = true};
    c->power_ports = map_add(&host->bus->ports, &r);
    r.bytes = CHIPSET_BYTES;
    r.space = CHIPSET;
    c->chipset_memory = map_add(&host->bus->memory, &r);
    return NULL;
}

#define STORE (uint32_t) BITS(31, 0)
static const struct pci_register registers[] = {
    {PMBASE, 4, 0x00000001, 0x0000ff87, 0},
    {PIRQA_ROUT, 4, 0x80808080, STORE, 0},
    {PIRQE_ROUT, 4, 0x80808080, STORE, 0},
};
static const struct pci_identity identity = {.vendor = 0x8086,
                                             .device = 0x2918,
                                             .revision = 2,
                                             .class = 6,
                                             .subclass = 1,
                                             .header = PCI_HEADER_MANY,
                                             .subsystem_vendor = 0x1af4,
                                             .subsystem = 0x1100,
                                             .registers = registers,
                                             .register_count = sizeof registers / sizeof *registers,
                                             .config_written = ich9_lpc_written};

DEVICE(ich9_lpc) = {.name = "ICH9-LPC",
                    .help = "the ISA bridge and power management of -machine q35",
                    .fixed = true,
                    .read = ich9_lpc_read,
                    .write = ich9_lpc_write,
                    .reset = ich9_lpc_reset,
                    .state = &ich9_lpc_state,
                    .bytes = sizeof(struct ich9_lpc),
                    .function = &identity,
                    .create = ich9_lpc_create};
