// The ACPI tables as firmware takes them: two files, and a third that says where to put them and which addresses and
// sums to fill in. QEMU: docs/specs/fw_cfg.rst, and the "linker/loader" commands that firmware knows: 128 bytes each.
#include "devices/firmware/acpi_loader.h"
#include <string.h>

enum loader_command { ALLOCATE = 1, ADD_POINTER, ADD_CHECKSUM };
enum loader_zone { ZONE_HIGH = 1, ZONE_BELOW_1M };
enum { COMMAND_BYTES = 128, TABLES_ALIGN = 64, RSDP_ALIGN = 16 };
enum { RSDP_FIRST = 20, RSDP_SUM = 8, RSDP_SUM_EXTENDED = 32, RSDP_RSDT = 16, RSDP_XSDT = 24 };

static const char tables_name[] = "etc/acpi/tables", rsdp_name[] = "etc/acpi/rsdp", loader_name[] = "etc/table-loader";

struct __attribute__((packed)) command {
    uint32_t kind;
    union {
        struct __attribute__((packed)) {
            char file[FW_CFG_NAME];
            uint32_t align;
            uint8_t zone;
        } allocate;
        struct __attribute__((packed)) {
            char file[FW_CFG_NAME], to[FW_CFG_NAME];
            uint32_t at;
            uint8_t bytes;
        } pointer;
        struct __attribute__((packed)) {
            char file[FW_CFG_NAME];
            uint32_t at, start, bytes;
        } sum;
        uint8_t room[COMMAND_BYTES - 4];
    };
};
_Static_assert(sizeof(struct command) == COMMAND_BYTES, "as firmware reads it");

enum { COMMANDS = 2 + ACPI_POINTERS + ACPI_SUMS + 4, SCRIPT_BYTES = COMMANDS * COMMAND_BYTES };
struct script { // commands of zeros do nothing
    struct command command[COMMANDS];
    unsigned count;
};

static struct command *next(struct script *s, enum loader_command kind) {
    struct command *c = &s->command[s->count++];
    c->kind = kind;
    return c;
}

static void allocate(struct script *s, const char *file, uint32_t align, enum loader_zone zone) {
    struct command *c = next(s, ALLOCATE);
    strcpy(c->allocate.file, file);
    c->allocate.align = align;
    c->allocate.zone = (uint8_t)zone;
}

static void point(struct script *s, const char *file, uint32_t at, uint8_t bytes) {
    struct command *c = next(s, ADD_POINTER);
    strcpy(c->pointer.file, file);
    strcpy(c->pointer.to, tables_name);
    c->pointer.at = at;
    c->pointer.bytes = bytes;
}

static void sum(struct script *s, const char *file, uint32_t at, uint32_t start, uint32_t bytes) {
    struct command *c = next(s, ADD_CHECKSUM);
    strcpy(c->sum.file, file);
    c->sum.at = at;
    c->sum.start = start;
    c->sum.bytes = bytes;
}

static void write_script(struct script *s, const struct acpi_links *links) {
    allocate(s, rsdp_name, RSDP_ALIGN, ZONE_BELOW_1M);
    allocate(s, tables_name, TABLES_ALIGN, ZONE_HIGH);
    for (unsigned i = 0; i < links->pointers; i++) point(s, tables_name, links->pointer[i].at, links->pointer[i].bytes);
    for (unsigned i = 0; i < links->sums; i++)
        sum(s, tables_name, links->sum[i].at, links->sum[i].start, links->sum[i].bytes);
    point(s, rsdp_name, RSDP_RSDT, 4);
    point(s, rsdp_name, RSDP_XSDT, 8);
    sum(s, rsdp_name, RSDP_SUM, 0, RSDP_FIRST);
    sum(s, rsdp_name, RSDP_SUM_EXTENDED, 0, ACPI_RSDP_BYTES);
}

// Addresses that firmware has chosen are in the tables: of the ports of power management, and of routes.
static struct acpi_chosen chosen_now(const struct acpi_config *acpi) {
    const struct chipset *c = acpi->chipset;
    struct acpi_chosen now = {.made = true};
    if (!c) return now;
    now.power = chipset_power(c);
    memcpy(now.route, c->route, sizeof now.route);
    memcpy(now.slot_route, c->slot_route, sizeof now.slot_route);
    return now;
}

static bool same(const struct acpi_chosen *a, const struct acpi_chosen *b) {
    return a->made == b->made && a->power == b->power && !memcmp(a->route, b->route, sizeof a->route) &&
           !memcmp(a->slot_route, b->slot_route, sizeof a->slot_route);
}

// As they are when somebody reads them. What does not fit says that there is nothing.
static void make(void *owner) {
    struct acpi_loader *l = owner;
    struct acpi_links links = {.pointers = 0};
    struct script script = {.count = 0};
    const struct acpi_chosen now = chosen_now(&l->acpi);
    if (same(&now, &l->chosen)) return;
    l->chosen = now;
    l->acpi.links = &links;
    memset(l->script, 0, SCRIPT_BYTES);
    if (!acpi_write(&l->acpi, l->tables, l->rsdp)) return;
    l->rsdp[RSDP_SUM] = l->rsdp[RSDP_SUM_EXTENDED] = 0;
    write_script(&script, &links);
    memcpy(l->script, script.command, script.count * COMMAND_BYTES);
}

void acpi_loader_add(struct acpi_loader *l, struct fw_cfg *fw, const struct acpi_config *acpi) {
    *l = (struct acpi_loader){.acpi = *acpi};
    l->acpi.base = 0;
    l->tables = fw_cfg_add_made(fw, tables_name, ACPI_BYTES, make, l);
    l->rsdp = fw_cfg_add_made(fw, rsdp_name, ACPI_RSDP_BYTES, make, l);
    l->script = fw_cfg_add_made(fw, loader_name, SCRIPT_BYTES, make, l);
}
