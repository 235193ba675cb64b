// SMBIOS tables: a chain of structures that ends, strings, sums, what -smbios says and what does not fit. And the ACPI
// tables by the table loader: carried out as firmware does, they are right wherever they are put.
#include "devices/firmware/acpi_loader.h"
#include "devices/firmware/smbios.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>

static struct fw_cfg fw;

static const struct fw_cfg_item *file(const struct fw_cfg *from, const char *name) {
    for (unsigned i = 0; i < from->items; i++) {
        if (from->item[i].key != FW_CFG_DIRECTORY) continue;
        const uint8_t *entry = from->item[i].data + 4;
        for (unsigned n = 0; n < from->files; n++, entry += 64) {
            uint16_t key = (uint16_t)(entry[4] << 8 | entry[5]);
            if (strcmp((const char *)entry + 8, name)) continue;
            for (unsigned k = 0; k < from->items; k++)
                if (from->item[k].key == key) return &from->item[k];
        }
    }
    return NULL;
}

static void make(const struct smbios_config *config) {
    fw_cfg_free(&fw);
    fw = (struct fw_cfg){0};
    fw_cfg_init(&fw, 1 << 20, 1, false);
    smbios_add(&fw, config);
}

// The string of that number behind a structure; NULL: it has none.
static const char *string(const uint8_t *structure, unsigned number) {
    const char *text = (const char *)structure + structure[1];
    for (; number > 1 && *text; number--) text += strlen(text) + 1;
    return number && *text ? text : NULL;
}
static const uint8_t *after(const uint8_t *structure) {
    const char *text = (const char *)structure + structure[1];
    if (!*text) return (const uint8_t *)text + 2;
    while (*text) text += strlen(text) + 1;
    return (const uint8_t *)text + 1;
}
static const uint8_t *structure(unsigned type, unsigned nth) {
    const struct fw_cfg_item *tables = file(&fw, "etc/smbios/smbios-tables");
    for (const uint8_t *s = tables->data; s < tables->data + tables->bytes; s = after(s))
        if (s[0] == type && !nth--) return s;
    return NULL;
}

static uint8_t sum(const uint8_t *bytes, unsigned count) {
    uint8_t all = 0;
    while (count--) all = (uint8_t)(all + *bytes++);
    return all;
}

static void smbios(void) {
    const struct smbios_config plain = {
        .product = "PC", .brand = "A processor", .cpus = 4, .megahertz = 1000, .low_bytes = 512 << 20};
    make(&plain);
    const struct fw_cfg_item *anchor = file(&fw, "etc/smbios/smbios-anchor"),
                             *tables = file(&fw, "etc/smbios/smbios-tables");
    ok(anchor && anchor->bytes == 31 && !memcmp(anchor->data, "_SM_", 4) && !memcmp(anchor->data + 16, "_DMI_", 5) &&
           !sum(anchor->data, 31) && !sum(anchor->data + 16, 15),
       "the entry point, and its sums");
    unsigned count = 0;
    const uint8_t *s = tables->data;
    for (; s < tables->data + tables->bytes; s = after(s)) count++;
    ok(s == tables->data + tables->bytes && count == (unsigned)(anchor->data[28] | anchor->data[29] << 8) &&
           tables->bytes == (uint32_t)(anchor->data[22] | anchor->data[23] << 8),
       "a chain of %u structures", count);
    ok(!structure(0, 0) && structure(127, 0) && after(structure(127, 0)) == s, "without a BIOS; its end is at the end");
    ok(!strcmp(string(structure(1, 0), structure(1, 0)[5]), "PC"), "the product");
    ok(structure(1, 0)[1] == 27 && structure(3, 0)[1] == 22 && structure(4, 0)[1] == 42 && structure(16, 0)[1] == 23 &&
           structure(17, 0)[1] == 40 && structure(19, 0)[1] == 31 && structure(32, 0)[1] == 11,
       "lengths are those of version 2.8");
    ok(structure(4, 0)[35] == 4 && (structure(17, 0)[12] | structure(17, 0)[13] << 8) == 512 && !structure(19, 1),
       "4 cores, 512 MBytes in one piece");
    struct smbios_config asked = plain;
    asked.asked = "1.serial=7\n1.manufacturer=Me, and "
                  "others\n0.vendor=V\n0.release=1.2\n1.uuid=00112233-4455-6677-8899-aabbccddeeff\n"
                  "1.serial=8\n";
    asked.low_bytes = 3ull << 30, asked.high_bytes = 62ull << 30;
    make(&asked);
    ok(!strcmp(string(structure(1, 0), structure(1, 0)[4]), "Me, and others") &&
           !strcmp(string(structure(1, 0), structure(1, 0)[7]), "8"),
       "what is asked for, of which the last counts");
    ok(structure(0, 0) && structure(0, 0)[20] == 1 && structure(0, 0)[21] == 2, "with a BIOS");
    ok(!memcmp(structure(1, 0) + 8, "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16),
       "the UUID");
    ok(structure(17, 4) && !structure(17, 5) && structure(19, 1), "65 GBytes: five devices, two pieces");
    ok(smbios_key_is_known("1.serial=x") && !smbios_key_is_known("1.serials=x") && !smbios_key_is_known("2.serial=x") &&
           !smbios_key_is_known("serial=x"),
       "keys");
}

// --- the table loader ---

enum { TABLES_AT = 0x100000, RSDP_AT = 0x8000, MEMORY = 0x200000 };
static uint8_t memory[MEMORY];

static uint32_t place(const char *name) { return !strcmp(name, "etc/acpi/rsdp") ? RSDP_AT : TABLES_AT; }
static uint32_t word(const uint8_t *at) { return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24; }

static void carry_out(const uint8_t *command) {
    const char *name = (const char *)command + 4;
    uint8_t *at = memory + place(name);
    const uint8_t *sums = command + 60, *points = command + 116;
    if (word(command) == 2) {
        uint64_t value = 0;
        memcpy(&value, at + word(points), points[4]);
        value += place((const char *)command + 60);
        memcpy(at + word(points), &value, points[4]);
    } else if (word(command) == 3) {
        at[word(sums)] = (uint8_t)(at[word(sums)] - sum(at + word(sums + 4), word(sums + 8)));
    }
}

static void loader(unsigned board) {
    static const struct smbios_config none = {.product = "PC", .brand = "", .cpus = 1};
    struct machine_config config;
    char error[200] = "";
    static uint8_t rom[4096];
    const struct machine_file image = {"board/bios", rom, sizeof rom};
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.machine = (uint8_t)board;
    config.file = &image;
    config.files = 1;
    if (!machine_config_device(&config, "rom", error, sizeof error)) bail("%s", error);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("%s", error);
    make(&none);
    const struct fw_cfg_item *script = file(&m->board.fw_cfg, "etc/table-loader"),
                             *tables = file(&m->board.fw_cfg, "etc/acpi/tables"),
                             *rsdp = file(&m->board.fw_cfg, "etc/acpi/rsdp");
    script->make(script->owner);
    memset(memory, 0, sizeof memory);
    memcpy(memory + TABLES_AT, tables->data, tables->bytes);
    memcpy(memory + RSDP_AT, rsdp->data, rsdp->bytes);
    for (uint32_t i = 0; i < script->bytes; i += 128) carry_out(script->data + i);
    const uint8_t *root = memory + RSDP_AT;
    ok(!memcmp(root, "RSD PTR ", 8) && !sum(root, 20) && !sum(root, 36), "board %u: the root pointer's sums", board);
    const uint8_t *xsdt = memory + word(root + 24);
    bool good = !memcmp(xsdt, "XSDT", 4) && !sum(xsdt, word(xsdt + 4)), dsdt = false;
    for (uint32_t i = 36; good && i < word(xsdt + 4); i += 8) {
        const uint8_t *t = memory + word(xsdt + i);
        good &= word(xsdt + i) > TABLES_AT && !sum(t, word(t + 4));
        if (!memcmp(t, "FACP", 4))
            dsdt = !memcmp(memory + word(t + 40), "DSDT", 4) && !memcmp(memory + word(t + 36), "FACS", 4);
    }
    ok(good && dsdt, "board %u: all tables are where they are said to be, and right", board);
    ok(!file(&m->board.fw_cfg, "board/bios") && file(&m->board.fw_cfg, "etc/e820") &&
           !file(&m->board.fw_cfg, "etc/smi"),
       "board %u: the ROM's image is no file of the guest's", board);
    machine_free(m);
}

int main(void) {
    smbios();
    for (unsigned board = 0; board < MACHINE_KINDS; board++) loader(board);
    fw_cfg_free(&fw);
    return done_testing();
}
