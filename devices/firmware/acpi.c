// ACPI tables: RSDP, RSDT, XSDT, FADT, FACS, DSDT, MADT, HPET, SPCR, MCFG, WAET. ACPI 6.3, 5.2; IA-PC HPET
// specification, 3.2.4; Serial Port Console Redirection Table, revision 2; PCI Firmware specification 3.0, 4.1.2;
// Windows ACPI Emulated Devices Table, 1.0.
#include "devices/firmware/acpi.h"
#include "devices/firmware/acpi_pci.h"
#include "cpu/state/outcome.h"
#include "devices/bus/aml.h"
#include "devices/chipset/setup.h"
#include "devices/char/uart.h"
#include "devices/timer/hpet.h"
#include "devices/irq/ioapic.h"
#include "devices/timer/pm.h"
#include <string.h>

struct writer {
    struct acpi_links *links; // NULL: nobody asks
    uint8_t *out;
    uint32_t base; // physical, of out[0]
    uint32_t used;
    bool overflow;
};
struct table {
    struct writer *w;
    uint32_t start;
};

enum { ECAM_BYTES = 256 << 20 };
enum { HEADER_BYTES = 36, FACS_BYTES = 64, FADT_BYTES = 244, SPCR_BYTES = 80 };

static void put(struct writer *w, const void *bytes, uint32_t count) {
    if (count > ACPI_TABLES - w->used) {
        w->overflow = true;
        return;
    }
    if (bytes) memcpy(w->out + w->used, bytes, count);
    w->used += count;
}
static void put8(struct writer *w, uint8_t v) { put(w, &v, 1); }
static void put16(struct writer *w, uint16_t v) { put(w, &v, 2); }
static void put32(struct writer *w, uint32_t v) { put(w, &v, 4); }
static void put64(struct writer *w, uint64_t v) { put(w, &v, 8); }
static void align(struct writer *w, uint32_t to) { put(w, NULL, -w->used & (to - 1)); }

// Generic address structure, 5.2.3.2.
enum { GAS_MEMORY, GAS_IO };
static void put_address(struct writer *w, uint8_t space, uint8_t bits, uint8_t access, uint64_t where) {
    put8(w, space);
    put8(w, bits);
    put8(w, 0);
    put8(w, access);
    put64(w, where);
}

static uint8_t checksum(const uint8_t *bytes, uint32_t count) {
    uint8_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

// System description table header, 5.2.6. Length and checksum are filled in by table_end.
static struct table table_begin(struct writer *w, const char *signature, uint8_t revision) {
    align(w, 16);
    struct table t = {w, w->used};
    put(w, signature, 4);
    put32(w, 0);
    put8(w, revision);
    put8(w, 0);
    put(w, "VMXRAY", 6);
    put(w, "VMXRAYPC", 8);
    put32(w, 1);
    put(w, "VXRY", 4);
    put32(w, 1);
    return t;
}
static void note_sum(struct writer *w, uint32_t start, uint32_t bytes) {
    struct acpi_links *l = w->links;
    if (l->sums == ACPI_SUMS)
        w->overflow = true;
    else
        l->sum[l->sums++] = (struct acpi_sum){start + 9, start, bytes};
}

// The address of another table.
static void put_pointer(struct writer *w, unsigned bytes, uint32_t to) {
    struct acpi_links *l = w->links;
    if (l && l->pointers == ACPI_POINTERS) w->overflow = true;
    if (l && !w->overflow) l->pointer[l->pointers++] = (struct acpi_pointer){w->used, (uint8_t)bytes};
    put(w, &(uint64_t){to}, bytes);
}

static uint32_t table_end(struct table t) {
    if (t.w->overflow) return 0;
    uint8_t *bytes = t.w->out + t.start;
    uint32_t length = t.w->used - t.start;
    memcpy(bytes + 4, &length, 4);
    bytes[9] = 0;
    if (t.w->links)
        note_sum(t.w, t.start, length);
    else
        bytes[9] = checksum(bytes, length);
    return t.w->base + t.start;
}

// --- DSDT ---
// Where power management's ports are now.
static uint32_t power(const struct acpi_config *config) {
    return config->chipset ? chipset_power(config->chipset) : PM_BASE;
}

// What is on the board and no driver's: PNP0C02, "PNP motherboard registers".
static void board_resources(struct aml *a, const struct acpi_config *config) {
    aml_device_id(a, "MBRD", "PNP0C02");
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_io(a, 0x61, 1);
    aml_io(a, 0x92, 1);
    aml_io(a, (uint16_t)power(config), acpi_is_q35(config) ? 128 : config->chipset ? 64 : PM_BYTES);
    aml_memory(a, (uint32_t)APIC_BASE_DEFAULT, 0x1000);
    if (acpi_is_q35(config)) {
        aml_memory(a, SETUP_ECAM, ECAM_BYTES);
        aml_memory(a, SETUP_RCBA, 0x4000);
    }
    aml_resources_end(a);
    aml_end(a);
    config->describe(config->owner, ACPI_BOARD, a);
}

static uint32_t write_dsdt(struct writer *w, const struct acpi_config *config) {
    struct table t = table_begin(w, "DSDT", 2);
    if (w->overflow) return 0;
    struct aml a = {.bytes = w->out + w->used, .capacity = ACPI_TABLES - w->used};
    aml_scope(&a, "\\_SB_");
    board_resources(&a, config);
    acpi_pci_root(&a, config);
    aml_end(&a);
    acpi_pci_mode(&a, config);
    aml_name(&a, "\\_S5_");
    aml_package(&a, 4);
    aml_integer(&a, config->chipset ? 0 : PM_SLEEP_OFF);
    aml_integer(&a, config->chipset ? 0 : PM_SLEEP_OFF);
    aml_integer(&a, 0);
    aml_integer(&a, 0);
    aml_end(&a);
    w->overflow = a.overflow;
    w->used += (uint32_t)a.size;
    return table_end(t);
}

// --- the other tables ---
static uint32_t write_facs(struct writer *w) { // 5.2.10: no checksum, 64-byte aligned
    enum { VERSION = 32 };
    uint8_t *facs = w->out + ACPI_TABLES;
    memcpy(facs, "FACS", 4);
    memcpy(facs + 4, &(uint32_t){FACS_BYTES}, 4);
    facs[VERSION] = 2;
    return w->base + ACPI_TABLES;
}

#define FADT_WBINVD BIT(0)
#define FADT_PROC_C1 BIT(2)
#define FADT_SLP_BUTTON BIT(5) // no fixed-hardware sleep button
#define FADT_FIX_RTC BIT(6)    // RTC wake status is not in fixed register space
#define FADT_TMR_VAL_EXT BIT(8)
#define FADT_RESET_REG_SUP BIT(10)
#define FADT_FLAGS (FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC | FADT_TMR_VAL_EXT | FADT_RESET_REG_SUP)
#define BOOT_LEGACY_DEVICES BIT(0)
#define BOOT_8042 BIT(1)
#define BOOT_NO_VGA BIT(2)
enum { RESET_PORT = 0xcf9, RESET_VALUE = 6, CENTURY_REGISTER = 0x32 };

static void fadt_blocks_32(struct writer *w, const struct acpi_config *config) { // offsets 56 to 95
    put32(w, power(config) + PM_EVENT);
    put32(w, 0);
    put32(w, power(config) + PM_CONTROL);
    put32(w, 0);
    put32(w, 0);
    put32(w, power(config) + PM_TIMER);
    put32(w, 0);
    put32(w, 0);
    put(w, (const uint8_t[]){4, 2, 0, 4, 0, 0, 0, 0}, 8); // lengths of the blocks
}

static void fadt_blocks_64(struct writer *w, const struct acpi_config *config) { // offsets 148 to 243
    put_address(w, GAS_IO, 32, 2, power(config) + PM_EVENT);
    put_address(w, GAS_IO, 0, 0, 0);
    put_address(w, GAS_IO, 16, 2, power(config) + PM_CONTROL);
    put_address(w, GAS_IO, 0, 0, 0);
    put_address(w, GAS_IO, 0, 0, 0);
    put_address(w, GAS_IO, 32, 3, power(config) + PM_TIMER);
    put_address(w, GAS_IO, 0, 0, 0);
    put_address(w, GAS_IO, 0, 0, 0);
}

static uint32_t write_fadt(struct writer *w, const struct acpi_config *config, uint32_t facs,
                           uint32_t dsdt) { // 5.2.9, revision 3
    struct table t = table_begin(w, "FACP", 3);
    put_pointer(w, 4, facs);
    put_pointer(w, 4, dsdt);
    put8(w, 0);
    put8(w, 4); // preferred profile: enterprise server
    put16(w, PM_SCI);
    put32(w, 0); // SMI_CMD: always in ACPI mode
    put32(w, 0); // ACPI_ENABLE, ACPI_DISABLE, S4BIOS_REQ, PSTATE_CNT
    fadt_blocks_32(w, config);
    put16(w, 0xfff); // P_LVL2_LAT, P_LVL3_LAT: no C2, no C3
    put16(w, 0xfff);
    put(w, NULL, 8); // FLUSH_SIZE to MON_ALRM
    put8(w, CENTURY_REGISTER);
    put16(w, BOOT_LEGACY_DEVICES | BOOT_8042 | (config->display ? 0 : BOOT_NO_VGA));
    put8(w, 0);
    put32(w, FADT_FLAGS);
    put_address(w, GAS_IO, 8, 1, RESET_PORT);
    put8(w, RESET_VALUE);
    put(w, NULL, 3);
    put_pointer(w, 8, facs);
    put_pointer(w, 8, dsdt);
    fadt_blocks_64(w, config);
    if (w->used - t.start != FADT_BYTES) w->overflow = true;
    return table_end(t);
}

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_NMI = 4 };
enum { POLARITY_HIGH = 1, TRIGGER_EDGE = 1 << 2, TRIGGER_LEVEL = 3 << 2 };

static void madt_override(struct writer *w, uint8_t irq, uint32_t gsi, uint16_t flags) {
    put(w, (const uint8_t[]){MADT_OVERRIDE, 10, 0, irq}, 4);
    put32(w, gsi);
    put16(w, flags);
}

static uint32_t write_madt(struct writer *w, const struct acpi_config *config) { // 5.2.12
    struct table t = table_begin(w, "APIC", 3);
    put32(w, (uint32_t)APIC_BASE_DEFAULT);
    put32(w, 1); // PCAT_COMPAT: there are 8259s
    for (uint32_t i = 0; i < config->cpus; i++) {
        put(w, (const uint8_t[]){MADT_LAPIC, 8, (uint8_t)i, (uint8_t)i}, 4);
        put32(w, 1);
    }
    put(w, (const uint8_t[]){MADT_IOAPIC, 12, 0, 0}, 4);
    put32(w, (uint32_t)IOAPIC_BASE);
    put32(w, 0);
    madt_override(w, 0, 2, 0);
    madt_override(w, PM_SCI, PM_SCI, POLARITY_HIGH | TRIGGER_LEVEL);
    put(w, (const uint8_t[]){MADT_LAPIC_NMI, 6, 0xff, 0, 0, 1}, 6);
    return table_end(t);
}

static uint32_t write_hpet(struct writer *w) {
    struct table t = table_begin(w, "HPET", 1);
    put32(w, 0x8086a201 | (HPET_TIMERS - 1) << 8); // the low half of GCAP_ID
    put_address(w, GAS_MEMORY, 64, 0, HPET_BASE);
    put8(w, 0);
    put16(w, 128); // minimum ticks in periodic mode
    put8(w, 0);
    return table_end(t);
}

// The console is COM1, as a terminal at 115200 8N1.
static uint32_t write_spcr(struct writer *w) {
    enum { UART_16550 = 0, ON_8259 = 1, ON_IO_APIC = 2, BAUD_115200 = 7, ONE_STOP_BIT = 1, TERMINAL_ANSI = 3 };
    struct table t = table_begin(w, "SPCR", 2);
    put32(w, UART_16550); // and three reserved bytes
    put_address(w, GAS_IO, 8, 1, uart_places[0].base);
    put8(w, ON_8259 | ON_IO_APIC);
    put8(w, uart_places[0].irq);
    put32(w, uart_places[0].irq);
    put(w, (const uint8_t[]){BAUD_115200, 0, ONE_STOP_BIT, 0, TERMINAL_ANSI, 0}, 6);
    put32(w, 0xffffffff);          // no PCI device: its device and vendor identification
    put(w, NULL, SPCR_BYTES - 68); // nor its place
    if (w->used - t.start != SPCR_BYTES) w->overflow = true;
    return table_end(t);
}

// The memory of PCI Express: all buses of segment 0.
static uint32_t write_mcfg(struct writer *w) {
    struct table t = table_begin(w, "MCFG", 1);
    put64(w, 0);
    put64(w, SETUP_ECAM);
    put(w, (const uint8_t[]){0, 0, 0, 255}, 4);
    put32(w, 0);
    return table_end(t);
}

// Reading the RTC's register C once is enough, and so is one read of the PM timer.
static uint32_t write_waet(struct writer *w) {
    enum { RTC_GOOD = 1, PM_TIMER_GOOD = 2 };
    struct table t = table_begin(w, "WAET", 1);
    put32(w, RTC_GOOD | PM_TIMER_GOOD);
    return table_end(t);
}

static void write_rsdp(uint8_t *out, uint32_t rsdt, uint64_t xsdt) { // 5.2.5.3
    memset(out, 0, ACPI_RSDP_BYTES);
    memcpy(out, "RSD PTR ", 8);
    memcpy(out + 9, "VMXRAY", 6);
    out[15] = 2;
    memcpy(out + 16, &rsdt, 4);
    memcpy(out + 20, &(uint32_t){ACPI_RSDP_BYTES}, 4);
    memcpy(out + 24, &xsdt, 8);
    out[8] = checksum(out, 20);
    out[32] = checksum(out, ACPI_RSDP_BYTES);
}

bool acpi_write(const struct acpi_config *config, uint8_t *out, uint8_t rsdp[ACPI_RSDP_BYTES]) {
    memset(out, 0, ACPI_BYTES);
    struct writer w = {.links = config->links, .out = out, .base = config->base};
    uint32_t facs = write_facs(&w), dsdt = write_dsdt(&w, config);
    uint32_t tables[6] = {write_fadt(&w, config, facs, dsdt), write_madt(&w, config), write_hpet(&w)};
    unsigned count = 3;
    if (config->com1) tables[count++] = write_spcr(&w);
    if (acpi_is_q35(config)) tables[count++] = write_mcfg(&w);
    if (config->chipset) tables[count++] = write_waet(&w);
    struct table t = table_begin(&w, "RSDT", 1);
    for (unsigned i = 0; i < count; i++) put_pointer(&w, 4, tables[i]);
    uint32_t rsdt = table_end(t);
    t = table_begin(&w, "XSDT", 1);
    for (unsigned i = 0; i < count; i++) put_pointer(&w, 8, tables[i]);
    uint32_t xsdt = table_end(t);
    if (!w.overflow) write_rsdp(rsdp, rsdt, xsdt);
    return !w.overflow;
}
