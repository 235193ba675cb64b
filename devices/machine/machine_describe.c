// What the firmware configuration device tells of the machine: the files that QEMU has, for a loader's kernel or for
// firmware. docs/specs/fw_cfg.rst; the tables are devices/firmware/'s.
#include "cpu/state/model.h"
#include "devices/firmware/acpi_loader.h"
#include "devices/firmware/smbios.h"
#include "devices/machine/machine_private.h"
#include <stdio.h>
#include <string.h>

enum { MEMORY_REGIONS = 9 };

struct __attribute__((packed)) e820_entry {
    uint64_t base, bytes;
    uint32_t type;
};

// Firmware finds out itself what it needs for its own ends: it is told of the RAM alone.
static unsigned firmware_map(const struct machine *m, struct machine_region *out) {
    out[0] = (struct machine_region){0, m->memory.low_bytes, MEMORY_RAM};
    out[1] = (struct machine_region){MEMORY_HIGH_BASE, m->memory.high_bytes, MEMORY_RAM};
    return m->memory.high_bytes ? 2 : 1;
}

static void add_memory_map(struct machine *m) {
    struct e820_entry e820[MEMORY_REGIONS];
    struct machine_region map[MEMORY_REGIONS];
    bool firmware = machine_config_has_firmware(&m->config);
    unsigned regions = firmware ? firmware_map(m, map) : machine_memory_map(m, map, MEMORY_REGIONS);
    for (unsigned i = 0; i < regions; i++) e820[i] = (struct e820_entry){map[i].base, map[i].bytes, map[i].type};
    (void)fw_cfg_add_file(&m->board.fw_cfg, "etc/e820", e820, regions * (unsigned)sizeof e820[0]);
}

// Sleep states: S0 and S5 are there, S3 and S4 are not.
static void add_sleep_states(struct machine *m) {
    static const uint8_t states[6] = {0x80, 0, 0, 1, 2, 0x80};
    (void)fw_cfg_add_file(&m->board.fw_cfg, "etc/system-states", states, sizeof states);
}

// What firmware is to do in processors, and where memory for cards that are plugged in would begin: there is none.
static void add_for_firmware(struct machine *m) {
    const struct cpu_model *model = &m->config.model;
    uint64_t control = model->feature_control, end = MEMORY_HIGH_BASE + m->memory.high_bytes;
    if (cpu_model_has(model, FEATURE_VMX) && control)
        (void)fw_cfg_add_file(&m->board.fw_cfg, "etc/msr_feature_control", &control, sizeof control);
    end = (end + (1 << 30) - 1) & ~((1ull << 30) - 1);
    (void)fw_cfg_add_file(&m->board.fw_cfg, "etc/reserved-memory-end", &end, sizeof end);
}

// SeaBIOS and OVMF place what is on PCI behind RAM, from a round address on.
static void add_acpi(struct machine *m) {
    const uint64_t round = 256 << 20, least = 0x80000000;
    struct acpi_config acpi = machine_acpi(m);
    uint64_t first = (m->memory.low_bytes + round - 1) & ~(round - 1);
    if (m->config.machine == MACHINE_PC) acpi.pci_window_first = (uint32_t)(first < least ? least : first);
    acpi_loader_add(&m->acpi, &m->board.fw_cfg, &acpi);
}

static void add_smbios(struct machine *m) {
    static const char *const products[MACHINE_KINDS] = {"Plain PC", "Standard PC (i440FX + PIIX, 1996)",
                                                        "Standard PC (Q35 + ICH9, 2009)"};
    const struct machine_file *asked = machine_config_file(&m->config, SMBIOS_FILE);
    const struct cpuid_result id = cpuid(m->cpu[0], 1, 0);
    const char *text = asked ? asked->data : NULL;
    const struct smbios_config smbios = {
        .asked = text && asked->bytes && !text[asked->bytes - 1] ? text : NULL, // a snapshot's may be anything
        .product = products[m->config.machine],
        .brand = m->config.model.brand,
        .signature = id.eax,
        .features = id.edx,
        .cpus = m->config.cpus,
        .megahertz = (uint32_t)(m->config.model.tsc_hz / 1000000),
        .low_bytes = m->memory.low_bytes,
        .high_bytes = m->memory.high_bytes};
    smbios_add(&m->board.fw_cfg, &smbios);
}

// Every path with a line's end but the last one, which has a zero. Who gives a file of that name knows better.
static void add_boot_order(struct machine *m) {
    char text[BOOT_ORDER_TEXT];
    uint32_t bytes = boot_order_text(&m->board.boot, text);
    if (bytes && !machine_config_file(&m->config, "bootorder"))
        (void)fw_cfg_add_file(&m->board.fw_cfg, "bootorder", text, bytes);
}

static bool add_files(struct machine *m, char *error, size_t size) {
    for (unsigned i = 0; i < m->config.files; i++) {
        const struct machine_file *f = &m->config.file[i];
        if (!strncmp(f->name, MACHINE_BOARD_FILE, strlen(MACHINE_BOARD_FILE))) continue;
        const char *wrong = fw_cfg_add_file(&m->board.fw_cfg, f->name, f->data, f->bytes);
        if (!wrong) continue;
        if (size) snprintf(error, size, "-fw_cfg %.60s: %s", f->name, wrong);
        return false;
    }
    return true;
}

bool machine_describe(struct machine *m, char *error, size_t size) {
    add_memory_map(m);
    add_sleep_states(m);
    if (machine_config_has_firmware(&m->config)) {
        add_for_firmware(m);
        add_acpi(m);
        add_smbios(m);
        add_boot_order(m);
    }
    return add_files(m, error, size) && !m->board.fw_cfg.failed;
}
