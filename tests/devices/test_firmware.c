// What firmware leaves behind: a memory map in which everybody agrees, ACPI tables that lie where it says, the BIOS
// data area, text memory, memory types and IA32_FEATURE_CONTROL in every processor; again after each reset.
#include "cpu/state/cpu.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>

enum { REGIONS = 8, FEATURE_CONTROL = 0x3a };

static struct machine_config config;

static struct machine *make(uint64_t ram_bytes, unsigned cpus, unsigned serial_ports, const char *model) {
    char error[200];
    machine_config_default(&config);
    if (!cpu_model_parse(model, &config.model, error, sizeof error)) bail("%s", error);
    config.ram_bytes = ram_bytes;
    config.cpus = cpus;
    config.serial_ports = serial_ports;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    return m;
}

static uint64_t word(const struct machine *m, uint64_t physical, unsigned bytes) {
    uint64_t value = 0;
    if (!machine_read(m, physical, &value, bytes)) bail("nothing at %llx", (unsigned long long)physical);
    return value;
}

static uint32_t type_of(const struct machine *m, uint64_t physical, uint64_t bytes) {
    struct machine_region map[REGIONS];
    unsigned count = machine_memory_map(m, map, REGIONS);
    for (unsigned i = 0; i < count; i++)
        if (physical >= map[i].base && physical + bytes <= map[i].base + map[i].bytes) return map[i].type;
    return 0;
}

// --- the memory map ---
static void check_map(const struct machine *m) {
    struct machine_region map[REGIONS];
    unsigned count = machine_memory_map(m, map, REGIONS);
    uint64_t end = 0, total = 0;
    bool good = count <= REGIONS;
    for (unsigned i = 0; i < count; i++) {
        good &= map[i].base >= end && map[i].bytes && map[i].base % 1024 == 0;
        end = map[i].base + map[i].bytes;
        if (map[i].base >= 1 << 20 || map[i].base == 0) total += map[i].bytes;
        good &= machine_ram(m, map[i].base, map[i].bytes) != NULL;
    }
    ok(good, "%u regions, ascending, within memory", count);
    ok(total == config.ram_bytes - (1 << 20) + 0x9fc00, "all RAM from 1 MByte on is in one of them");
}

// The same through fw_cfg, as firmware reads it.
static void check_e820(struct machine *m) {
    struct machine_region map[REGIONS];
    unsigned count = machine_memory_map(m, map, REGIONS);
    const struct fw_cfg_item *item = NULL;
    for (unsigned i = 0; i < m->board.fw_cfg.items && !item; i++)
        if (m->board.fw_cfg.item[i].key == FW_CFG_FILES) item = &m->board.fw_cfg.item[i];
    bool same = item && item->bytes == count * 20;
    for (unsigned i = 0; same && i < count; i++)
        same = !memcmp(item->data + 20 * i, &map[i].base, 16) && !memcmp(item->data + 20 * i + 16, &map[i].type, 4);
    ok(same, "the firmware configuration device has the same map");
}

// --- ACPI ---
struct found {
    uint64_t fadt, spcr;
    unsigned tables;
};

static bool sums_to_zero(const struct machine *m, uint64_t at, uint64_t bytes) {
    uint8_t sum = 0;
    for (uint64_t i = 0; i < bytes; i++) sum = (uint8_t)(sum + word(m, at + i, 1));
    return sum == 0;
}

static bool is_table(const struct machine *m, uint64_t at, const char *signature) {
    uint64_t bytes = word(m, at + 4, 4);
    return !memcmp(&(uint32_t){(uint32_t)word(m, at, 4)}, signature, 4) && sums_to_zero(m, at, bytes);
}

static struct found find_tables(const struct machine *m, bool apart) {
    struct found found = {0};
    uint64_t rsdp = machine_acpi_rsdp(m), xsdt = word(m, rsdp + 24, 8), bytes = word(m, xsdt + 4, 4);
    bool good = is_table(m, xsdt, "XSDT") && is_table(m, word(m, rsdp + 16, 4), "RSDT");
    for (uint64_t at = xsdt + 36; at < xsdt + bytes; at += 8, found.tables++) {
        uint64_t table = word(m, at, 8);
        good &= sums_to_zero(m, table, word(m, table + 4, 4)) &&
                type_of(m, table, word(m, table + 4, 4)) == (apart ? MEMORY_ACPI : MEMORY_RESERVED);
        if (is_table(m, table, "FACP")) found.fadt = table;
        if (is_table(m, table, "SPCR")) found.spcr = table;
    }
    ok(good, "%u tables, in memory of the type %s", found.tables, apart ? "ACPI" : "reserved");
    return found;
}

static void check_acpi(const struct machine *m, bool apart) {
    uint64_t rsdp = machine_acpi_rsdp(m);
    bool alone = rsdp % 4096 == 0;
    for (uint64_t i = 36; i < 4096; i++) alone &= word(m, rsdp + i, 1) == 0;
    ok(alone && rsdp >= 0xe0000 && rsdp < 1 << 20 && sums_to_zero(m, rsdp, 20) && sums_to_zero(m, rsdp, 36),
       "the RSDP lies where a scan finds it, alone in its page");
    struct found found = find_tables(m, apart);
    uint64_t facs = found.fadt ? word(m, found.fadt + 132, 8) : 0, dsdt = found.fadt ? word(m, found.fadt + 140, 8) : 0;
    ok(facs % 64 == 0 && word(m, facs, 4) == 0x53434146 &&
           type_of(m, facs, 64) == (apart ? MEMORY_NVS : MEMORY_RESERVED),
       "the FACS, in memory that stays firmware's");
    ok(is_table(m, dsdt, "DSDT"), "the DSDT");
    ok((found.spcr != 0) == (config.serial_ports > 0), "SPCR if there is a COM1");
    if (!found.spcr) return;
    ok(word(m, found.spcr + 4, 4) == 80 && word(m, found.spcr + 36, 1) == 0 &&
           word(m, found.spcr + 40, 4) == 0x01000801 && word(m, found.spcr + 44, 8) == 0x3f8 &&
           word(m, found.spcr + 52, 2) == 0x0403 && word(m, found.spcr + 54, 4) == 4 &&
           word(m, found.spcr + 58, 1) == 7 && word(m, found.spcr + 64, 4) == ~0u,
       "it names COM1 with its interrupt, at 115200 baud, no PCI device");
}

// --- the rest ---
static void check_bios_data(const struct machine *m) {
    ok(word(m, 0x400, 2) == (config.serial_ports ? 0x3f8 : 0) &&
           word(m, 0x402, 2) == (config.serial_ports > 1 ? 0x2f8 : 0),
       "BIOS data area: serial ports");
    ok(word(m, 0x40e, 2) << 4 == 0x9fc00 && word(m, 0x413, 2) == 639 && word(m, 0x9fc00, 1) == 1, "base memory, EBDA");
    ok(word(m, 0x410, 2) == (0x22u | config.serial_ports << 9), "equipment: coprocessor, 80 columns, serial ports");
    ok(word(m, 0x449, 1) == 3 && word(m, 0x44a, 2) == 80 && word(m, 0x463, 2) == 0x3d4 && word(m, 0x484, 1) == 24,
       "the screen");
    ok(word(m, 0xb8000, 8) == 0x0720072007200720 && word(m, 0xbfff8, 8) == 0x0720072007200720, "and it is empty");
}

static void check_processors(const struct machine *m, uint64_t feature_control) {
    loop_begin("memory types and IA32_FEATURE_CONTROL of every processor");
    for (unsigned i = 0; i < config.cpus; i++) {
        uint64_t control, type, low, display, bios, base, mask;
        loop_check(machine_msr(m, i, FEATURE_CONTROL, &control) && control == feature_control, "%u: %llx", i,
                   (unsigned long long)control);
        bool all = machine_msr(m, i, 0x2ff, &type) && machine_msr(m, i, 0x250, &low) &&
                   machine_msr(m, i, 0x259, &display) && machine_msr(m, i, 0x26f, &bios) &&
                   machine_msr(m, i, 0x200, &base) && machine_msr(m, i, 0x201, &mask);
        loop_check(all && type == 0xc06 && low == 0x0606060606060606 && display == 0 && bios == 0x0505050505050505 &&
                       base == 0xc0000000 && mask == 0xffc0000800,
                   "%u", i);
    }
    loop_end();
}

static void everything(uint64_t ram_bytes, unsigned cpus, unsigned serial_ports) {
    struct machine *m = make(ram_bytes, cpus, serial_ports, "server");
    printf("# %llu KBytes, %u processors, %u serial ports\n", (unsigned long long)ram_bytes / 1024, cpus, serial_ports);
    bool apart = ram_bytes >= (1 << 20) + 0x10000;
    check_map(m);
    check_e820(m);
    check_acpi(m, apart);
    check_bios_data(m);
    check_processors(m, 5);
    uint64_t hash = machine_hash(m);
    memset(inside_ram(m, 0x400, 0x100), 0x55, 0x100);
    memset(inside_ram(m, 0xb8000, 0x8000), 0x55, 0x8000);
    field_put(inside_cpu(m, cpus - 1), "msr.feature_control", 1);
    field_put(inside_cpu(m, cpus - 1), "msr.mtrr_def_type", 0);
    alter_reset(m);
    ok(machine_hash(m) == hash, "a reset brings all of it back");
    machine_free(m);
}

static void feature_control(void) {
    static const struct {
        const char *model;
        uint64_t value;
    } cases[] = {
        {"server,feature_control=0", 0}, {"server,feature_control=1", 1}, {"server,-smep,feature_control=4", 4}};
    for (unsigned i = 0; i < 3; i++) {
        struct machine *m = make(2 << 20, 2, 1, cases[i].model);
        printf("# %s\n", cases[i].model);
        check_processors(m, cases[i].value);
        machine_free(m);
    }
    static const char *const refused[] = {"server,feature_control=2", "server,feature_control=6",
                                          "server,feature_control=", "server,feature_control=55"};
    char error[200];
    for (unsigned i = 0; i < 4; i++)
        ok(!cpu_model_parse(refused[i], &config.model, error, sizeof error) && strstr(error, "feature_control"),
           "%s: %s", refused[i], error);
    struct machine *m = make(2 << 20, 1, 1, "server,-vmx,-mtrr");
    uint64_t value;
    ok(!machine_msr(m, 0, FEATURE_CONTROL, &value) && field(inside_cpu(m, 0), "msr.feature_control") == 0 &&
           field(inside_cpu(m, 0), "msr.mtrr_def_type") == 0,
       "not where the processor has neither");
    machine_free(m);
}

int main(void) {
    everything(1 << 20, 1, 1);
    everything((1 << 20) + 0xf000, 1, 1);
    everything((1 << 20) + 0x10000, 1, 1);
    everything(64 << 20, 4, 0);
    everything(3ull << 30, 1, 4);
    everything(5ull << 30, 64, 2);
    feature_control();
    return done_testing();
}
