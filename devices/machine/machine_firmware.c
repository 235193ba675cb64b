// What firmware leaves behind: the memory map, ACPI tables, the BIOS data area, and what it sets in every processor.
// Done at each reset, before the boot image is applied. See machine.h.
#include "cpu/state/model.h"
#include "devices/chipset/setup.h"
#include "devices/firmware/acpi.h"
#include "devices/firmware/bios_data.h"
#include "devices/firmware/flash.h"
#include "devices/firmware/real_mode.h"
#include "devices/machine/machine_private.h"

// --- memory ---
// Where RAM below 4 GBytes ends; in a machine with hardly more than the first MByte, within the BIOS's area.
static uint64_t acpi_base(const struct machine *m) {
    enum { IN_BIOS_AREA = ACPI_RSDP + 0x4000, LEAST = (1 << 20) + 0x10000 };
    return m->memory.low_bytes >= LEAST ? m->memory.low_bytes - ACPI_BYTES : IN_BIOS_AREA;
}

unsigned machine_memory_map(const struct machine *m, struct machine_region *out, unsigned count) {
    uint64_t acpi = acpi_base(m), mbyte = 1 << 20, end = acpi > mbyte ? acpi : m->memory.low_bytes;
    bool apart = acpi > mbyte;
    const struct machine_region all[] = {
        {0, BIOS_EBDA, MEMORY_RAM},
        {BIOS_EBDA, MEMORY_HOLE_BASE - BIOS_EBDA, MEMORY_RESERVED},
        {BIOS_AREA, mbyte - BIOS_AREA, MEMORY_RESERVED},
        {mbyte, end - mbyte, MEMORY_RAM},
        {acpi, apart ? ACPI_TABLES : 0, MEMORY_ACPI},
        {acpi + ACPI_TABLES, apart ? ACPI_NVS : 0, MEMORY_NVS},
        {SETUP_ECAM, m->config.machine == MACHINE_Q35 ? 256 << 20 : 0, MEMORY_RESERVED},
        {MEMORY_HIGH_BASE, m->memory.high_bytes, MEMORY_RAM},
    };
    unsigned regions = 0;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!all[i].bytes) continue;
        if (regions < count) out[regions] = all[i];
        regions++;
    }
    return regions;
}

uint64_t machine_acpi_rsdp(const struct machine *m) {
    (void)m;
    return ACPI_RSDP;
}

struct acpi_config machine_acpi(const struct machine *m) {
    return (struct acpi_config){.base = (uint32_t)acpi_base(m),
                                .cpus = m->config.cpus,
                                .display = attached_display(&m->board) != NULL,
                                .com1 = m->config.serial_ports > 0,
                                .pci_window_first = (uint32_t)machine_config_window(&m->config),
                                .pci_window_last = (uint32_t)IOAPIC_BASE - 1,
                                .describe = board_describe,
                                .chipset = m->config.machine == MACHINE_PLAIN ? NULL : &m->board.chipset,
                                .owner = &m->board};
}

static void write_acpi(struct machine *m, uint8_t *low) {
    const struct acpi_config acpi = machine_acpi(m);
    uint8_t *tables = memory_for_writing(&m->memory, acpi.base, ACPI_BYTES);
    // The space is made for the largest configuration.
    if (!tables || !acpi_write(&acpi, tables, low + ACPI_RSDP)) __builtin_trap();
}

// --- processors ---
// Virtual wire mode: the 8259s' interrupts through LINT0, NMI through LINT1. Intel MultiProcessor
// Specification, 3.6.2.2.
static void virtual_wire(struct lapic *l) {
    lapic_write_register(l, APIC_SVR, 0x1ff);
    lapic_write_register(l, APIC_LVT + LVT_LINT0, DELIVERY_EXTINT << LVT_DELIVERY_SHIFT);
    lapic_write_register(l, APIC_LVT + LVT_LINT1, DELIVERY_NMI << LVT_DELIVERY_SHIFT);
}

// RAM is write-back, the display and what is between RAM and 4 GBytes uncached, the BIOS's area write-protected. SDM
// Vol. 3A, 11.11.
static void set_memory_types(const struct machine *m, struct cpu *cpu) {
    enum { UNCACHED = 0, WRITE_PROTECTED = 5, WRITE_BACK = 6, FIXED_ENABLED = 1 << 10, ENABLED = 1 << 11 };
    enum { FIXED_BELOW_640K = 2, FIXED_DISPLAY = 1, FIXED = 11 };
    const uint64_t every_byte = 0x0101010101010101, window = machine_config_window(&m->config);
    for (unsigned i = 0; i < FIXED; i++) {
        uint64_t type = i < FIXED_BELOW_640K                   ? WRITE_BACK
                        : i < FIXED_BELOW_640K + FIXED_DISPLAY ? UNCACHED
                                                               : WRITE_PROTECTED;
        cpu->msr.mtrr_fixed[i] = type * every_byte;
    }
    const uint64_t every_bit = (1ull << cpu->wire.model->physical_bits) - 1;
    cpu->msr.mtrr_base[0] = window | UNCACHED;
    cpu->msr.mtrr_mask[0] = (every_bit & ~(MEMORY_HIGH_BASE - window - 1)) | ENABLED;
    if (m->config.machine == MACHINE_Q35) {
        cpu->msr.mtrr_base[1] = SETUP_ECAM | UNCACHED;
        cpu->msr.mtrr_mask[1] = (every_bit & ~(window - SETUP_ECAM - 1)) | ENABLED;
    }
    cpu->msr.mtrr_def_type = WRITE_BACK | FIXED_ENABLED | ENABLED;
}

static void set_processor(const struct machine *m, struct cpu *cpu) {
    const struct cpu_model *model = cpu->wire.model;
    if (cpu_model_has(model, FEATURE_VMX)) cpu->msr.feature_control = model->feature_control;
    if (cpu_model_has(model, FEATURE_MTRR)) set_memory_types(m, cpu);
}

static void write_tables(struct machine *m) {
    if (m->config.machine != MACHINE_PLAIN)
        setup_chipset(&m->board.chipset, (uint32_t)machine_config_window(&m->config));
    uint8_t *low = memory_for_writing(&m->memory, 0, 1 << 20);
    bios_data_write(low, m->config.serial_ports);
    real_mode_vectors(low);
    write_acpi(m, low);
    attached_firmware(&m->board);
    virtual_wire(&m->board.lapic[0]);
    for (unsigned i = 0; i < m->config.cpus; i++) set_processor(m, m->cpu[i]);
    if (m->config.bios_tick) real_mode_tick(&m->board.pic, &m->board.pit);
}

// The plain board has no chipset that shows RAM or ROM below 1 MByte: there is RAM, and in it what the ROM has.
static void copy_rom(struct machine *m) {
    enum { LOW_BYTES = 128 << 10 };
    const struct area *a = memory_area(&m->memory, ROM_AREA);
    if (!a) a = memory_area(&m->memory, FLASH_AREA_0);
    uint64_t bytes = a && a->bytes < LOW_BYTES ? a->bytes : LOW_BYTES;
    if (a) (void)machine_store(m, (1 << 20) - bytes, a->data + a->bytes - bytes, bytes);
}

// Which drives are tried, in what order: QEMU's standard is disk, floppy disk, CD-ROM.
static void set_boot_order(struct machine *m) {
    enum { STANDARD = 0x312 };
    const struct machine_config *c = &m->config;
    unsigned order = c->boot_order ? c->boot_order : STANDARD;
    if (c->boot_once && !machine_steps(m)) order = c->boot_once;
    m->board.rtc.cmos[CMOS_BOOT_FIRST] = (uint8_t)order;
    m->board.rtc.cmos[CMOS_BOOT_THIRD] = (uint8_t)(order >> 8 << 4);
    m->board.rtc.cmos[CMOS_PROCESSORS] = (uint8_t)(c->cpus - 1);
}

void machine_begin(struct machine *m) {
    if (machine_config_has_firmware(&m->config)) set_boot_order(m);
    if (!machine_config_has_firmware(&m->config))
        write_tables(m);
    else if (m->config.machine == MACHINE_PLAIN)
        copy_rom(m);
}
