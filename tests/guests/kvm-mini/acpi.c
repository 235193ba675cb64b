// RSDP, XSDT, FADT, FACS, MADT, and a DSDT with nothing but the way to S5: what Linux wants to see in order to use the
// I/O APIC, several processors and power-off. ACPI 6.3, 5.2. There is no keyboard controller, clock or display.
#include "acpi.h"
#include <string.h>

enum { HEADER_BYTES = 36, FADT_BYTES = 244, FACS_BYTES = 64, RSDP_BYTES = 36 };
enum { IOAPIC_ADDRESS = 0xfec00000, LAPIC_ADDRESS = 0xfee00000 };

struct writer {
    uint8_t *out;
    uint32_t used;
};

static void put(struct writer *w, const void *bytes, uint32_t count) {
    memcpy(w->out + w->used, bytes, count);
    w->used += count;
}
static void put16(struct writer *w, uint16_t value) { put(w, &value, 2); }
static void put32(struct writer *w, uint32_t value) { put(w, &value, 4); }

static uint8_t checksum(const uint8_t *bytes, uint32_t count) {
    uint8_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

static uint32_t begin(struct writer *w, const char *signature, uint8_t revision) {
    w->used = (w->used + 63) & ~63u;
    uint32_t start = w->used;
    put(w, signature, 4);
    put32(w, 0);
    put(w, (uint8_t[]){revision, 0}, 2);
    put(w, "VMXRAYKVM-MINI", 14);
    put32(w, 1);
    put(w, "MINI", 4);
    put32(w, 1);
    return start;
}

// The guest-physical address of the table that began at `start`.
static uint32_t end(struct writer *w, uint32_t start) {
    uint32_t length = w->used - start;
    memcpy(w->out + start + 4, &length, 4);
    w->out[start + 9] = checksum(w->out + start, length);
    return ACPI_ADDRESS + start;
}

// Name (\_S5, Package (4) {PM_SLEEP_OFF, PM_SLEEP_OFF, 0, 0}); ACPI 6.3, 20.2.
static uint32_t write_dsdt(struct writer *w) {
    static const uint8_t s5[] = {0x08, '\\', '_',          'S',  '5',          '_', 0x12, 8,
                                 4,    0x0a, PM_SLEEP_OFF, 0x0a, PM_SLEEP_OFF, 0,   0};
    uint32_t start = begin(w, "DSDT", 2);
    put(w, s5, sizeof s5);
    return end(w, start);
}

static uint32_t write_facs(struct writer *w) {
    w->used = (w->used + 63) & ~63u;
    uint32_t start = w->used;
    memcpy(w->out + start, "FACS", 4);
    memcpy(w->out + start + 4, &(uint32_t){FACS_BYTES}, 4);
    w->out[start + 32] = 2; // version
    w->used += FACS_BYTES;
    return ACPI_ADDRESS + start;
}

static void set16(uint8_t *table, unsigned offset, uint16_t value) { memcpy(table + offset, &value, 2); }
static void set32(uint8_t *table, unsigned offset, uint32_t value) { memcpy(table + offset, &value, 4); }
static void set_port(uint8_t *table, unsigned offset, uint8_t bits, uint8_t access, uint32_t port) {
    table[offset] = 1; // generic address structure: system I/O space
    table[offset + 1] = bits;
    table[offset + 3] = access;
    set32(table, offset + 4, port);
}

static uint32_t write_fadt(struct writer *w, uint32_t facs, uint32_t dsdt) { // 5.2.9, revision 3
    enum { BOOT_LEGACY_DEVICES = 1, BOOT_NO_VGA = 1 << 2, BOOT_NO_RTC = 1 << 5 };
    enum { WBINVD = 1, PROC_C1 = 1 << 2, NO_BUTTONS = 3 << 4, FIX_RTC = 1 << 6, RESET_SUPPORTED = 1 << 10 };
    uint32_t start = begin(w, "FACP", 3);
    uint8_t *table = w->out + start;
    set32(table, 36, facs);
    set32(table, 40, dsdt);
    set16(table, 46, PM_IRQ);
    set32(table, 56, PM_EVENT_PORT);
    set32(table, 64, PM_CONTROL_PORT);
    table[88] = 4; // bytes of the event block, of the control block
    table[89] = 2;
    set16(table, 96, 0xfff); // no C2, no C3
    set16(table, 98, 0xfff);
    set16(table, 109, BOOT_LEGACY_DEVICES | BOOT_NO_VGA | BOOT_NO_RTC);
    set32(table, 112, WBINVD | PROC_C1 | NO_BUTTONS | FIX_RTC | RESET_SUPPORTED);
    set_port(table, 116, 8, 1, RESET_PORT);
    table[128] = RESET_VALUE;
    set32(table, 132, facs);
    set32(table, 140, dsdt);
    set_port(table, 148, 32, 2, PM_EVENT_PORT);
    set_port(table, 172, 16, 2, PM_CONTROL_PORT);
    w->used = start + FADT_BYTES;
    return end(w, start);
}

static void put_override(struct writer *w, uint8_t irq, uint32_t gsi, uint16_t flags) {
    put(w, (uint8_t[]){2, 10, 0, irq}, 4);
    put32(w, gsi);
    put16(w, flags);
}

static uint32_t write_madt(struct writer *w, unsigned processors) { // 5.2.12
    enum { PCAT_COMPAT = 1, ENABLED = 1, HIGH_LEVEL = 1 | 3 << 2 };
    uint32_t start = begin(w, "APIC", 3);
    put32(w, LAPIC_ADDRESS);
    put32(w, PCAT_COMPAT);
    for (unsigned i = 0; i < processors; i++) {
        put(w, (uint8_t[]){0, 8, (uint8_t)i, (uint8_t)i}, 4);
        put32(w, ENABLED);
    }
    put(w, (uint8_t[]){1, 12, 0, 0}, 4); // I/O APIC
    put32(w, IOAPIC_ADDRESS);
    put32(w, 0);
    put_override(w, 0, 2, 0);
    put_override(w, PM_IRQ, PM_IRQ, HIGH_LEVEL);
    put(w, (uint8_t[]){4, 6, 0xff, 0, 0, 1}, 6); // NMI at LINT1
    return end(w, start);
}

void acpi_write(uint8_t *out, unsigned processors) {
    memset(out, 0, ACPI_BYTES);
    struct writer w = {out, RSDP_BYTES};
    uint32_t facs = write_facs(&w), fadt = write_fadt(&w, facs, write_dsdt(&w)), madt = write_madt(&w, processors);
    uint32_t start = begin(&w, "XSDT", 1);
    put(&w, (uint64_t[]){fadt, madt}, 16);
    uint64_t xsdt = end(&w, start);

    memcpy(out, "RSD PTR ", 8); // 5.2.5.3
    memcpy(out + 9, "VMXRAY", 6);
    out[15] = 2;
    memcpy(out + 20, &(uint32_t){RSDP_BYTES}, 4);
    memcpy(out + 24, &xsdt, 8);
    out[8] = checksum(out, 20);
    out[32] = checksum(out, RSDP_BYTES);
}
