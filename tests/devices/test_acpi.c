// The ACPI tables: where a scan finds them, checksums, pointers, and AML whose lengths nest.
#include "devices/firmware/acpi.h"
#include "devices/bus/aml.h"
#include "tests/tap.h"
#include <string.h>

enum { BASE = 0x7ff000 };
static uint8_t area[ACPI_BYTES], rsdp[ACPI_RSDP_BYTES];

static uint32_t u32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static uint64_t u64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
static bool sums_to_zero(const uint8_t *p, uint32_t bytes) {
    uint8_t sum = 0;
    for (uint32_t i = 0; i < bytes; i++) sum = (uint8_t)(sum + p[i]);
    return sum == 0;
}
static const uint8_t *at(uint64_t physical) {
    return physical >= BASE && physical <= BASE + ACPI_BYTES - 64 ? area + (physical - BASE) : NULL;
}
static const uint8_t *table(uint64_t physical, const char *signature) {
    const uint8_t *t = at(physical);
    bool good =
        t && !memcmp(t, signature, 4) && u32(t + 4) <= BASE + ACPI_TABLES - physical && sums_to_zero(t, u32(t + 4));
    ok(good, "%s: signature, length, checksum", signature);
    return good ? t : area;
}

// Every package of a term list ends inside its parent; names are of the allowed characters. Device, Scope, Name,
// Package, Buffer and integers are all that is written.
static const uint8_t *object(const uint8_t *p, const uint8_t *end);
static const uint8_t *package_end(const uint8_t *p) { return p + ((p[0] & 15) | p[1] << 4 | p[2] << 12); }
static const uint8_t *name(const uint8_t *p) {
    if (*p == '\\') p++;
    for (unsigned i = 0; i < 4; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", p[i])) return NULL;
    return p + 4;
}
static const uint8_t *list(const uint8_t *p, const uint8_t *end) {
    while (p && p < end) p = object(p, end);
    return p == end ? p : NULL;
}
static const uint8_t *object(const uint8_t *p, const uint8_t *end) {
    const uint8_t *inner, *close;
    switch (*p) {
    case 0x00:
    case 0x01: return p + 1;
    case 0x0a: return p + 2;
    case 0x0b: return p + 3;
    case 0x0c: return p + 5;
    case 0x08: return name(p + 1);
    case 0x5b:
    case 0x10:
        p += *p == 0x5b ? 2 : 1;
        close = package_end(p);
        inner = name(p + 3);
        return inner && close <= end ? list(inner, close) : NULL;
    case 0x12: close = package_end(p + 1); return close <= end ? list(p + 5, close) : NULL;
    case 0x11:
        close = package_end(p + 1);
        return close <= end && p[4] == 0x0a && p + 6 + p[5] == close && close[-2] == 0x79 ? close : NULL;
    default: return NULL;
    }
}

// Some devices of each scope, as the chips and the kinds of devices would write them.
static void describe(const void *owner, enum acpi_scope scope, struct aml *aml) {
    for (unsigned i = 0; i < *(const unsigned *)owner; i++) {
        char name[5] = {"BIP"[scope], 'D', 'V', (char)('0' + i % 10)};
        aml_device_id(aml, name, "PNP0501");
        aml_name(aml, "_CRS");
        aml_resources(aml);
        aml_io(aml, 0x3f8, 8);
        aml_irq(aml, 4);
        aml_memory(aml, 0xfed00000, 0x400);
        aml_resources_end(aml);
        aml_end(aml);
    }
}

static void tables(unsigned cpus, unsigned devices) {
    struct acpi_config config = {.base = BASE,
                                 .cpus = cpus,
                                 .com1 = devices > 1,
                                 .pci_window_first = 0xc0000000,
                                 .pci_window_last = 0xfebfffff,
                                 .describe = describe,
                                 .owner = &devices};
    ok(acpi_write(&config, area, rsdp), "%u processors, %u devices in each scope", cpus, devices);
    ok(!memcmp(rsdp, "RSD PTR ", 8) && sums_to_zero(rsdp, 20) && sums_to_zero(rsdp, 36) && rsdp[15] == 2, "RSDP");
    const uint8_t *xsdt = table(u64(rsdp + 24), "XSDT"), *rsdt = table(u32(rsdp + 16), "RSDT");
    unsigned count = devices > 1 ? 4 : 3;
    ok((u32(xsdt + 4) - 36) / 8 == count && (u32(rsdt + 4) - 36) / 4 == count, "%u tables in each", count);
    ok(u64(xsdt + 36) == u32(rsdt + 36) && u64(xsdt + 44) == u32(rsdt + 40) && u64(xsdt + 52) == u32(rsdt + 44),
       "the same ones");
    const uint8_t *fadt = table(u64(xsdt + 36), "FACP"), *madt = table(u64(xsdt + 44), "APIC");
    table(u64(xsdt + 52), "HPET");
    if (count == 4) table(u64(xsdt + 60), "SPCR");
    ok(u32(fadt + 36) == u64(fadt + 132) && u32(fadt + 40) == u64(fadt + 140), "FACS and DSDT by 32 and 64 bits");
    const uint8_t *facs = at(u32(fadt + 36)), *dsdt = table(u32(fadt + 40), "DSDT");
    ok(facs && !memcmp(facs, "FACS", 4) && u32(facs + 4) == 64 && u32(fadt + 36) % 64 == 0 &&
           u32(fadt + 36) >= BASE + ACPI_TABLES,
       "FACS, 64-byte aligned, apart from the others");
    ok(u32(fadt + 56) == u64(fadt + 152) && u32(fadt + 64) == u64(fadt + 176) && u32(fadt + 76) == u64(fadt + 212),
       "blocks by both");
    unsigned lapics = 0, others = 0;
    for (const uint8_t *p = madt + 44; p < madt + u32(madt + 4); p += p[1]) lapics += p[0] == 0, others += p[0] != 0;
    ok(lapics == cpus && others == 4, "MADT: local APICs, I/O APIC, two overrides, NMI");
    ok(list(dsdt + 36, dsdt + u32(dsdt + 4)), "DSDT: every length nests");
}

static void overflow(void) {
    uint8_t small[16];
    struct aml aml = {.bytes = small, .capacity = sizeof small};
    for (unsigned i = 0; i < 20; i++) aml_device(&aml, "DEEP");
    for (unsigned i = 0; i < 20; i++) aml_end(&aml);
    ok(aml.overflow && aml.size <= sizeof small, "a buffer too small is noticed");
    ok(!acpi_write(&(struct acpi_config){.cpus = 100000, .describe = describe, .owner = &(unsigned){1}}, area, rsdp),
       "tables too large are noticed");
}

int main(void) {
    tables(1, 1);
    tables(64, 16);
    overflow();
    return done_testing();
}
