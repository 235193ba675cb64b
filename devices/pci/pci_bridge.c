// Bridges to other buses: QEMU's pci-bridge (docs/pcie.txt, 1b36:0001) and pcie-root-port (1b36:000c). PCI-to-PCI
// Bridge Architecture specification 1.2; PCI Express Base specification 4.0, 7.5. What is behind one is found by its
// bus numbers; its windows are a store: see pci.c. A root port has a link that is always up and nothing that can be
// plugged in or out. NOT IMPLEMENTED: hot plugging (SHPC, slots), resets of the secondary bus, power states, errors,
// and interrupts of its own.
#include "devices/pci/pci.h"
#include "cpu/state/outcome.h"
#include <stddef.h>

struct bridge {
    struct device_host *host; // wiring
    uint32_t chassis_nr, chassis, slot, port;
};

static void bridge_written(void *chip, unsigned first, unsigned size) {
    struct bridge *b = chip;
    if (first <= PCI_SUBORDINATE && first + size > PCI_SECONDARY) b->host->bus_numbers(b->host);
}

static const char *bridge_create(void *chip, struct device_host *host) {
    ((struct bridge *)chip)->host = host;
    if (!host->place->id[0]) return "id is the name of the bus behind it; give it one";
    return host->add_bus(host, host->identity->express) ? NULL
                                                        : "there is a bus of this id already, or there are too many";
}

#define BUS_NUMBERS BITS(31, 0)
#define BRIDGE_CONTROL 0x0fffu
static const struct pci_register pci_bridge_registers[] = {
    {0x18, 4, 0, (uint32_t)BUS_NUMBERS, 0}, // bus numbers, latency timer
    {0x1c, 4, 0, 0x0000f0f0, 0xf9000000},   // I/O window, secondary status
    {0x20, 4, 0, 0xfff0fff0, 0},            // memory window
    {0x24, 4, 0x00010001, 0xfff0fff0, 0},   // prefetchable window, of 64 bits
    {0x28, 4, 0, 0xffffffff, 0},
    {0x2c, 4, 0, 0xffffffff, 0},
    {0x3e, 2, 0, BRIDGE_CONTROL, 0},
};
static const struct pci_register root_port_registers[] = {
    {0x18, 4, 0, (uint32_t)BUS_NUMBERS, 0},
    {0x1c, 4, 0x000000f0, 0x0000f0f0, 0xf9000000},
    {0x20, 4, 0x0000fff0, 0xfff0fff0, 0},
    {0x24, 4, 0x0001fff1, 0xfff0fff0, 0},
    {0x28, 4, 0, 0xffffffff, 0},
    {0x2c, 4, 0, 0xffffffff, 0},
    {0x3e, 2, 0, 0x005f, 0},
};
// Subsystem IDs; Express: root port, link of 2.5 GT/s, one lane, up.
static const struct pci_capability root_port_capabilities[] = {
    {0x10, 0x3a, (const uint8_t[0x3a]){0x42, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x11, 0x04, 0, 0, 0, 0, 0x11, 0, 0, 0},
     (const uint8_t[0x3a]){[0x06] = 0x0f, [0x0e] = 0xfb, [0x1a] = 0x1f}, 0x54},
    {0x0d, 6, (const uint8_t[]){0, 0, 0x36, 0x1b, 0, 0}, (const uint8_t[6]){0}, 0x40},
};
static const struct pci_identity pci_bridge_identity = {.vendor = 0x1b36,
                                                        .device = 0x0001,
                                                        .class = 6,
                                                        .subclass = 4,
                                                        .status = 0x00a0,
                                                        .header = PCI_HEADER_BRIDGE,
                                                        .pin = 1,
                                                        .registers = pci_bridge_registers,
                                                        .register_count = 7,
                                                        .config_written = bridge_written};
static const struct pci_identity root_port_identity = {.vendor = 0x1b36,
                                                       .device = 0x000c,
                                                       .class = 6,
                                                       .subclass = 4,
                                                       .header = PCI_HEADER_BRIDGE,
                                                       .express = true,
                                                       .pin = 1,
                                                       .registers = root_port_registers,
                                                       .register_count = 7,
                                                       .capability = root_port_capabilities,
                                                       .capabilities = 2,
                                                       .config_written = bridge_written};

static const struct device_option pci_bridge_options[] = {
    DEVICE_OPTION(struct bridge, chassis_nr, "N", NUMBER, 1, 0, 255, "a number, 0 to 255, that means nothing here"),
};
static const struct device_option root_port_options[] = {
    DEVICE_OPTION(struct bridge, chassis, "N", NUMBER, 0, 0, 255, "a number, 0 to 255, that means nothing here"),
    DEVICE_OPTION(struct bridge, slot, "N", NUMBER, 0, 0, 65535, "a number, 0 to 65535, that means nothing here"),
    DEVICE_OPTION(struct bridge, port, "N", NUMBER, 0, 0, 255, "a number, 0 to 255, that means nothing here"),
};

DEVICE(pci_bridge) = {.name = "pci-bridge",
                      .help = "a PCI bus behind a bridge: bus=ID of other devices puts them there",
                      .bytes = sizeof(struct bridge),
                      .option = pci_bridge_options,
                      .options = 1,
                      .function = &pci_bridge_identity,
                      .create = bridge_create};
DEVICE(pcie_root_port) = {.name = "pcie-root-port",
                          .help = "a PCI Express port for one device: bus=ID puts it there",
                          .bytes = sizeof(struct bridge),
                          .option = root_port_options,
                          .options = 3,
                          .function = &root_port_identity,
                          .create = bridge_create};
