// What the command line says of firmware: -bios, -pflash, -boot, and what is there when it says nothing.
#include "devices/firmware/flash.h"
#include "devices/firmware/smbios.h"
#include "monitor/files/files.h"
#include "monitor/host/parse.h"
#include "monitor/host/status.h"
#include "monitor/program/options_row.h"
#include <stdio.h>
#include <string.h>

static const char standard_bios[] = "/usr/share/seabios/bios-256k.bin";

static enum taken wrong(const struct option *option, const char *value, const char *wanted) {
    complain("-%s %.100s: %s", option->name, value, wanted);
    return TAKEN_WRONG;
}

// --- options ---

enum taken take_bios(struct options *options, const struct option *option, const char *value) {
    (void)option;
    options->firmware.bios = value;
    options->firmware.wanted = true;
    return TAKEN;
}

// Drives by letters, in the order in which firmware tries them: as the nibbles that it finds in CMOS memory.
static bool parse_order(const char *letters, uint16_t *order) {
    static const char known[] = "acdn";
    *order = 0;
    if (!*letters || strlen(letters) > 3) return false;
    for (unsigned i = 0; letters[i]; i++) {
        const char *at = strchr(known, letters[i]);
        if (!at || strchr(letters + i + 1, letters[i])) return false;
        *order |= (uint16_t)((at - known + 1) << (4 * i));
    }
    return true;
}

static bool parse_milliseconds(const char *text, uint64_t *to) { return parse_number(text, to) && *to <= UINT16_MAX; }

static bool take_boot_item(struct options *o, const char *item) {
    const char *equals = strchr(item, '='), *value = equals ? equals + 1 : item;
    size_t length = equals ? (size_t)(equals - item) : 0;
    const struct {
        const char *key;
        uint16_t *order;
    } orders[] = {{"", &o->machine.boot_order}, {"order", &o->machine.boot_order}, {"once", &o->machine.boot_once}};
    for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strlen(orders[i].key) == length && !strncmp(item, orders[i].key, length))
            return parse_order(value, orders[i].order);
    o->machine.boot_menu |= !strcmp(item, "menu=on");
    if (!strncmp(item, "splash-time=", length + 1)) return parse_milliseconds(value, &o->firmware.menu_milliseconds);
    if (!strncmp(item, "reboot-timeout=", length + 1)) return parse_milliseconds(value, &o->firmware.fail_milliseconds);
    return !strcmp(item, "menu=on") || !strcmp(item, "menu=off") || !strcmp(item, "strict=off");
}

enum taken take_boot(struct options *options, const struct option *option, const char *value) {
    char item[64];
    options->firmware.wanted = true;
    for (const char *list = value; parse_item(&list, item, sizeof item);)
        if (!take_boot_item(options, item))
            return wrong(option, value,
                         "write order=LETTERS (a c d n), once=LETTERS, menu=on|off, splash-time=MS, reboot-timeout=MS");
    return TAKEN;
}

// type=N,key=value,... becomes a line N.key=value for each.
enum taken take_smbios(struct options *options, const struct option *option, const char *value) {
    char item[SMBIOS_VALUE + 64], type[8] = "", line[SMBIOS_VALUE + 80], *end = options->firmware.smbios;
    const char *list = value;
    if (parse_item(&list, item, sizeof item) && !strncmp(item, "type=", 5))
        snprintf(type, sizeof type, "%.7s", item + 5);
    while (*type && parse_item(&list, item, sizeof item)) {
        size_t used = strlen(end), room = sizeof options->firmware.smbios - used;
        int length = snprintf(line, sizeof line, "%s.%s", type, item);
        if (strchr(item, '\n') || !smbios_key_is_known(line) || (size_t)length + 2 > room) *type = '\0';
        if (*type) snprintf(end + used, room, "%s\n", line);
    }
    return *type ? TAKEN
                 : wrong(option, value,
                         "write type=N,KEY=VALUE: 0 vendor version date release uefi; 1 manufacturer product "
                         "version serial uuid sku family; 3, 4, 17: docs/guests.md");
}

// --- what follows ---

static bool add_bytes(struct options *o, const char *name, const void *bytes, size_t count) {
    unsigned index = o->machine.files;
    if (index == OPTIONS_FILES) return complain("-fw_cfg: there are 32 files already, and firmware needs one more");
    snprintf(o->file_name[index], sizeof o->file_name[index], "%s", name);
    o->machine_file[index] = (struct machine_file){o->file_name[index], bytes, (uint32_t)count};
    o->machine.file = o->machine_file;
    o->machine.files++;
    return true;
}

static bool add_image(struct options *o, const char *name, const char *path) {
    struct file *file = &o->file[o->machine.files < OPTIONS_FILES ? o->machine.files : 0];
    enum { MOST_BYTES = 16 << 20 };
    if (o->machine.files == OPTIONS_FILES) return add_bytes(o, name, NULL, 0);
    if (!file_read(file, path)) return false;
    if (file->size > MOST_BYTES) return complain("%s: larger than 16 MBytes; no firmware is", path);
    return add_bytes(o, name, file->bytes, file->size);
}

static const struct drive_config *drive_at(const struct options *o, unsigned unit) {
    for (unsigned i = 0; i < o->machine.drives; i++)
        if (o->machine.drive[i].interface == DRIVE_PFLASH && o->machine.drive[i].index == unit)
            return &o->machine.drive[i];
    return NULL;
}

static bool add_device(struct options *o, const char *path, const char *text) {
    char error[300];
    return machine_config_device(&o->machine, text, error, sizeof error) || complain("%s: %s", path, error);
}

// A chip for each image of if=pflash, the first one first.
static bool add_flash(struct options *o) {
    enum { UNITS = 2 };
    for (unsigned i = 0; i < o->machine.drives; i++)
        if (o->machine.drive[i].interface == DRIVE_PFLASH && o->machine.drive[i].index >= UNITS)
            return complain("%s: flash memory has units 0 and 1", o->machine.drive[i].image);
    for (unsigned unit = 0; unit < UNITS; unit++) {
        const struct drive_config *d = drive_at(o, unit);
        char text[64];
        snprintf(text, sizeof text, "cfi.pflash01,unit=%u", unit);
        if (d && !add_device(o, d->image, text)) return false;
    }
    return true;
}

static bool add_rom(struct options *o) {
    const char *path = o->firmware.bios;
    if (!path && !files_is_there(standard_bios))
        return complain("firmware: there is no %s; install the package seabios, or name another with -bios FILE",
                        standard_bios);
    path = path ? path : standard_bios;
    return add_image(o, ROM_FILE, path) && add_device(o, path, "rom");
}

// Where no window is to be had the console is COM1: SeaBIOS draws its text there too.
static bool has_window(const struct options *o) { return o->screen != SCREEN_USUAL && o->screen != SCREEN_NONE; }

static bool add_words(struct options *o) {
    static const uint16_t serial = 0x3f8;
    struct firmware_wish *w = &o->firmware;
    return (!o->machine.serial_ports || has_window(o) || add_bytes(o, "etc/sercon-port", &serial, sizeof serial)) &&
           (w->menu_milliseconds == FIRMWARE_UNSAID || add_bytes(o, "etc/boot-menu-wait", &w->menu_milliseconds, 2)) &&
           (w->fail_milliseconds == FIRMWARE_UNSAID || add_bytes(o, "etc/boot-fail-wait", &w->fail_milliseconds, 4));
}

bool firmware_is_wanted(const struct options *o) {
    bool other = o->kernel || o->loadvm || o->incoming || *o->replay;
    return !other && (o->firmware.wanted || o->drives);
}

bool firmware_plan(struct options *o) {
    struct firmware_wish *w = &o->firmware;
    const struct drive_config *first = drive_at(o, 0), *second = drive_at(o, 1);
    if (o->kernel && (w->bios || first || second))
        return complain("-kernel begins without firmware; leave out -kernel, or -bios and -pflash");
    if (!firmware_is_wanted(o)) return true;
    if (w->bios && first) return complain("-bios and -pflash both have what is begun with; leave one out");
    if (second && !first) return complain("%s is at unit 1, and there is no flash at unit 0", second->image);
    if (*w->smbios && !add_bytes(o, SMBIOS_FILE, w->smbios, strlen(w->smbios) + 1)) return false;
    return (first || add_rom(o)) && add_flash(o) && add_words(o);
}

void firmware_choose_machine(struct options *o) {
    if (firmware_is_wanted(o) && !o->machine_given) o->machine.machine = MACHINE_PC;
}
