// SMBIOS tables for firmware, of the kinds that QEMU makes: System Management BIOS Reference Specification 2.8, 5.2.1
// (entry point), 7.1 (BIOS), 7.2 (system), 7.4 (chassis), 7.5 (processor), 7.17 (memory array), 7.18 (memory device),
// 7.20 (mapped address), 7.33 (boot), 7.45 (end). Firmware adds a BIOS of its own when none is asked for.
#include "devices/firmware/smbios.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 16384, MOST_STRINGS = 8, ANCHOR_BYTES = 31, INTERMEDIATE = 16, UUID_BYTES = 16 };
enum { BIOS = 0, SYSTEM = 1, CHASSIS = 3, PROCESSOR = 4, ARRAY = 16, MEMORY = 17, MAPPED = 19, BOOT = 32, END = 127 };
enum { ARRAY_HANDLE = 0x1000, NO_ERRORS = 0xfffe, UNKNOWN = 0xffff };
#define DIMM_BYTES (16ull << 30) // of a memory device, at most

// What -smbios type=TYPE,KEY=VALUE can say, and what is there when it does not; NULL: nothing.
static const struct smbios_key {
    uint8_t type;
    const char *key, *standard;
} keys[] = {
    {BIOS, "vendor", "vmxray"},
    {BIOS, "version", "0"},
    {BIOS, "date", "01/01/2024"},
    {BIOS, "release", NULL},
    {BIOS, "uefi", NULL},
    {SYSTEM, "manufacturer", "vmxray"},
    {SYSTEM, "product", NULL},
    {SYSTEM, "version", NULL},
    {SYSTEM, "serial", NULL},
    {SYSTEM, "uuid", NULL},
    {SYSTEM, "sku", NULL},
    {SYSTEM, "family", NULL},
    {CHASSIS, "manufacturer", "vmxray"},
    {CHASSIS, "version", NULL},
    {CHASSIS, "serial", NULL},
    {CHASSIS, "asset", NULL},
    {CHASSIS, "sku", NULL},
    {PROCESSOR, "sock_pfx", "CPU"},
    {PROCESSOR, "manufacturer", "Intel"},
    {PROCESSOR, "version", NULL},
    {PROCESSOR, "serial", NULL},
    {PROCESSOR, "asset", NULL},
    {PROCESSOR, "part", NULL},
    {MEMORY, "loc_pfx", "DIMM"},
    {MEMORY, "bank", NULL},
    {MEMORY, "manufacturer", "vmxray"},
    {MEMORY, "serial", NULL},
    {MEMORY, "asset", NULL},
    {MEMORY, "part", NULL},
};
enum { KEYS = sizeof keys / sizeof *keys };

// --- what was asked for: a line each, TYPE.KEY=VALUE ---

static bool line_is(const char *line, unsigned type, const char *key, const char **value) {
    char begin[40];
    int length = snprintf(begin, sizeof begin, "%u.%s=", type, key);
    *value = line + length;
    return strncmp(line, begin, (size_t)length) == 0;
}

bool smbios_key_is_known(const char *line) {
    const char *value;
    for (unsigned i = 0; i < KEYS; i++)
        if (line_is(line, keys[i].type, keys[i].key, &value) && strlen(value) < SMBIOS_VALUE) return true;
    return false;
}

// The last one counts. Into `to`; false: nothing is said, and there is no standard.
static bool value_of(const struct smbios_config *c, unsigned type, const char *key, char to[SMBIOS_VALUE]) {
    const char *value, *found = NULL;
    for (const char *line = c->asked; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (line_is(line, type, key, &value)) found = value;
    for (unsigned i = 0; !found && i < KEYS; i++)
        if (keys[i].type == type && !strcmp(keys[i].key, key)) found = keys[i].standard;
    size_t length = found ? strcspn(found, "\n") : 0;
    if (length >= SMBIOS_VALUE) length = SMBIOS_VALUE - 1;
    if (found) memcpy(to, found, length);
    to[length] = '\0';
    return found;
}

static bool says_type(const struct smbios_config *c, unsigned type) {
    char begin[8];
    int length = snprintf(begin, sizeof begin, "%u.", type);
    for (const char *line = c->asked; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (!strncmp(line, begin, (size_t)length)) return true;
    return false;
}

// --- writing ---

struct writer {
    const struct smbios_config *config;
    uint8_t bytes[MOST_BYTES];
    uint32_t used, start, largest, count;
    char text[MOST_STRINGS][SMBIOS_VALUE]; // of the structure that is written
    unsigned texts;
    uint8_t type;
};

static void put(struct writer *w, const void *from, uint32_t bytes) {
    if (bytes > MOST_BYTES - w->used) bytes = 0; // the rows have room for 64 processors and any RAM
    memcpy(w->bytes + w->used, from, bytes);
    w->used += bytes;
}
static void put8(struct writer *w, uint64_t v) { put(w, &v, 1); }
static void put16(struct writer *w, uint64_t v) { put(w, &v, 2); }
static void put32(struct writer *w, uint64_t v) { put(w, &v, 4); }
static void put64(struct writer *w, uint64_t v) { put(w, &v, 8); }

// The number of a string that stands behind the structure; 0: there is none.
static void put_string(struct writer *w, const char *text) {
    if (!*text || w->texts == MOST_STRINGS) {
        put8(w, 0);
        return;
    }
    snprintf(w->text[w->texts++], SMBIOS_VALUE, "%s", text);
    put8(w, w->texts);
}
static void put_key(struct writer *w, const char *key) {
    char text[SMBIOS_VALUE];
    (void)value_of(w->config, w->type, key, text);
    put_string(w, text);
}

static void begin(struct writer *w, uint8_t type, uint16_t handle) {
    w->start = w->used;
    w->texts = 0;
    w->type = type;
    put8(w, type);
    put8(w, 0);
    put16(w, handle);
}

static void end(struct writer *w) {
    w->bytes[w->start + 1] = (uint8_t)(w->used - w->start);
    for (unsigned i = 0; i < w->texts; i++) put(w, w->text[i], (uint32_t)strlen(w->text[i]) + 1);
    put16(w, 0);
    if (w->texts) w->used--; // the last string's own end is one of the two
    if (w->used - w->start > w->largest) w->largest = w->used - w->start;
    w->count++;
}

// --- the structures ---

static unsigned number(const char **at) {
    unsigned value = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) value = 10 * value + (unsigned)(**at - '0');
    return value;
}

static void write_bios(struct writer *w) {
    enum { SEGMENT = 0xe800, NO_CHARACTERISTICS = 8, TARGETED = 4, UEFI = 8 };
    char uefi[SMBIOS_VALUE], release[SMBIOS_VALUE];
    const char *at = release;
    unsigned major = 0xff, minor = 0xff;
    begin(w, BIOS, 0);
    put_key(w, "vendor");
    put_key(w, "version");
    put16(w, SEGMENT);
    put_key(w, "date");
    put8(w, 0);
    put64(w, NO_CHARACTERISTICS);
    put8(w, 0);
    (void)value_of(w->config, BIOS, "uefi", uefi);
    put8(w, TARGETED | (strcmp(uefi, "on") == 0 ? UEFI : 0));
    if (value_of(w->config, BIOS, "release", release)) {
        major = number(&at);
        at += *at == '.';
        minor = number(&at);
    }
    put8(w, major);
    put8(w, minor);
    put16(w, UNKNOWN);
    end(w);
}

// 7.2.1: the first three fields are little-endian.
static void put_uuid(struct writer *w) {
    static const uint8_t order[UUID_BYTES] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    char text[SMBIOS_VALUE];
    uint8_t read[UUID_BYTES] = {0};
    unsigned digits = 0;
    (void)value_of(w->config, SYSTEM, "uuid", text);
    for (const char *c = text; *c && digits < 2 * UUID_BYTES; c++) {
        const char *all = "0123456789abcdef", *at = strchr(all, *c | 0x20);
        if (*c == '-' || !at) continue;
        read[digits / 2] = (uint8_t)(read[digits / 2] << 4 | (at - all));
        digits++;
    }
    for (unsigned i = 0; i < UUID_BYTES; i++) put8(w, read[order[i]]);
}

static void write_system(struct writer *w) {
    enum { POWER_SWITCH = 6 };
    char product[SMBIOS_VALUE];
    begin(w, SYSTEM, 0x100);
    put_key(w, "manufacturer");
    if (value_of(w->config, SYSTEM, "product", product))
        put_string(w, product);
    else
        put_string(w, w->config->product);
    put_key(w, "version");
    put_key(w, "serial");
    put_uuid(w);
    put8(w, POWER_SWITCH);
    put_key(w, "sku");
    put_key(w, "family");
    end(w);
}

static void write_chassis(struct writer *w) {
    enum { OTHER = 1, SAFE = 3, NO_SECURITY = 2 };
    begin(w, CHASSIS, 0x300);
    put_key(w, "manufacturer");
    put8(w, OTHER);
    put_key(w, "version");
    put_key(w, "serial");
    put_key(w, "asset");
    for (unsigned i = 0; i < 3; i++) put8(w, SAFE); // boot-up, power supply, thermal
    put8(w, NO_SECURITY);
    put64(w, 0); // OEM, height, power cords, elements, their length
    put_key(w, "sku");
    end(w);
}

static void write_processor(struct writer *w) {
    enum { CENTRAL = 3, OTHER = 1, ENABLED = 0x41, UNKNOWN_CHARACTERISTICS = 4 };
    const struct smbios_config *c = w->config;
    char text[SMBIOS_VALUE];
    begin(w, PROCESSOR, 0x400);
    (void)value_of(c, PROCESSOR, "sock_pfx", text);
    if (strlen(text) + 2 < sizeof text) strcat(text, " 0");
    put_string(w, text);
    put8(w, CENTRAL);
    put8(w, OTHER);
    put_key(w, "manufacturer");
    put32(w, c->signature);
    put32(w, c->features);
    put_string(w, value_of(c, PROCESSOR, "version", text) ? text : c->brand);
    put8(w, 0);
    put16(w, 0);
    put16(w, c->megahertz);
    put16(w, c->megahertz);
    put8(w, ENABLED);
    put8(w, OTHER);
    for (unsigned i = 0; i < 3; i++) put16(w, UNKNOWN); // caches
    put_key(w, "serial");
    put_key(w, "asset");
    put_key(w, "part");
    for (unsigned i = 0; i < 3; i++) put8(w, c->cpus); // cores, enabled, threads
    put16(w, UNKNOWN_CHARACTERISTICS);
    put16(w, OTHER);
    end(w);
}

static unsigned dimms(const struct smbios_config *c) {
    uint64_t bytes = c->low_bytes + c->high_bytes;
    return (unsigned)((bytes + DIMM_BYTES - 1) / DIMM_BYTES);
}

static void write_array(struct writer *w) {
    enum { OTHER = 1, SYSTEM_MEMORY = 3, MULTI_BIT_ECC = 6 };
    const uint64_t kbytes = (w->config->low_bytes + w->config->high_bytes) >> 10, most = 0x80000000;
    begin(w, ARRAY, ARRAY_HANDLE);
    put8(w, OTHER);
    put8(w, SYSTEM_MEMORY);
    put8(w, MULTI_BIT_ECC);
    put32(w, kbytes < most ? kbytes : most);
    put16(w, NO_ERRORS);
    put16(w, dimms(w->config));
    put64(w, kbytes < most ? 0 : kbytes << 10);
    end(w);
}

static void write_device(struct writer *w, unsigned number, uint64_t bytes) {
    enum { DIMM = 9, RAM = 7, OTHER_DETAIL = 2, EXTENDED = 0x7fff };
    char prefix[SMBIOS_VALUE], locator[SMBIOS_VALUE];
    begin(w, MEMORY, (uint16_t)(0x1100 + number));
    put16(w, ARRAY_HANDLE);
    put16(w, NO_ERRORS);
    put16(w, UNKNOWN);
    put16(w, UNKNOWN);
    put16(w, bytes >> 20 < EXTENDED ? bytes >> 20 : EXTENDED);
    put8(w, DIMM);
    put8(w, 0);
    (void)value_of(w->config, MEMORY, "loc_pfx", prefix);
    snprintf(locator, sizeof locator, "%.80s %u", prefix, number);
    put_string(w, locator);
    put_key(w, "bank");
    put8(w, RAM);
    put16(w, OTHER_DETAIL);
    put16(w, 0);
    put_key(w, "manufacturer");
    put_key(w, "serial");
    put_key(w, "asset");
    put_key(w, "part");
    put8(w, 0);
    put32(w, bytes >> 20 < EXTENDED ? 0 : bytes >> 20);
    put64(w, 0); // speed and voltages
    end(w);
}

static void write_mapped(struct writer *w, unsigned number, uint64_t base, uint64_t bytes) {
    const uint64_t last = base + bytes - 1, most = UINT32_MAX;
    bool fits = last >> 10 < most;
    if (!bytes) return;
    begin(w, MAPPED, (uint16_t)(0x1300 + number));
    put32(w, fits ? base >> 10 : most);
    put32(w, fits ? last >> 10 : most);
    put16(w, ARRAY_HANDLE);
    put8(w, 1);
    put64(w, fits ? 0 : base);
    put64(w, fits ? 0 : last);
    end(w);
}

static void write_tables(struct writer *w) {
    const struct smbios_config *c = w->config;
    uint64_t left = c->low_bytes + c->high_bytes;
    if (says_type(c, BIOS)) write_bios(w);
    write_system(w);
    write_chassis(w);
    write_processor(w);
    write_array(w);
    for (unsigned i = 0; i < dimms(c); i++, left -= DIMM_BYTES)
        write_device(w, i, left < DIMM_BYTES ? left : DIMM_BYTES);
    write_mapped(w, 0, 0, c->low_bytes);
    write_mapped(w, 1, 1ull << 32, c->high_bytes);
    begin(w, BOOT, 0x2000);
    put(w, (const uint8_t[7]){0}, 7);
    end(w);
    begin(w, END, 0x7f00);
    end(w);
}

// --- the entry point ---

static uint8_t checksum(const uint8_t *bytes, unsigned count) {
    uint8_t sum = 0;
    for (unsigned i = 0; i < count; i++) sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

// Firmware fills in where the tables are, and both sums again.
static void write_anchor(const struct writer *w, uint8_t *a) {
    const uint8_t fixed[ANCHOR_BYTES] = {'_', 'S',        'M', '_', 0,   ANCHOR_BYTES, 2,
                                         8,   [16] = '_', 'D', 'M', 'I', '_',          [30] = 0x28};
    memcpy(a, fixed, sizeof fixed);
    memcpy(a + 8, &w->largest, 2);
    memcpy(a + 22, &w->used, 2);
    memcpy(a + 28, &w->count, 2);
    a[21] = checksum(a + INTERMEDIATE, ANCHOR_BYTES - INTERMEDIATE);
    a[4] = checksum(a, ANCHOR_BYTES);
}

void smbios_add(struct fw_cfg *fw, const struct smbios_config *config) {
    struct writer *w = calloc(1, sizeof *w);
    uint8_t anchor[ANCHOR_BYTES];
    if (!w) {
        fw->failed = true;
        return;
    }
    w->config = config;
    write_tables(w);
    write_anchor(w, anchor);
    (void)fw_cfg_add_file(fw, "etc/smbios/smbios-anchor", anchor, sizeof anchor);
    (void)fw_cfg_add_file(fw, "etc/smbios/smbios-tables", w->bytes, w->used);
    free(w);
}
