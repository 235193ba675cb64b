// The option -device: its lists, and the name that is nearest to one that is not there.
#include "devices/bus/device.h"
#include "devices/pci/function.h"
#include "monitor/host/output.h"
#include "monitor/host/parse.h"
#include "monitor/host/status.h"
#include "monitor/program/options_row.h"
#include <stdio.h>
#include <string.h>

// --- lists ---
// QEMU's groups, by the class of a function.
enum group { BRIDGES, STORAGE, NETWORK, SHOWS, MISC, GROUPS };
static enum group group_of(const struct device *kind) {
    static const enum group groups[] = {[1] = STORAGE, [2] = NETWORK, [3] = SHOWS, [6] = BRIDGES, [0x0c] = BRIDGES};
    unsigned class = kind->function ? kind->function->class : MISC;
    if (!kind->function || class >= sizeof groups / sizeof *groups || !class) return MISC;
    return groups[class] || class == 6 || class == 0x0c ? groups[class] : MISC;
}

static enum taken list_devices(void) {
    static const char *const titles[GROUPS] = {"Controller/Bridge/Hub", "Storage", "Network", "Display", "Misc"};
    const struct device *kind;
    for (unsigned group = 0; group < GROUPS; group++) {
        bool first = true;
        for (unsigned i = 0; (kind = machine_device_kind(i)); i++) {
            if (kind->fixed || group_of(kind) != group) continue;
            if (first) say("%s devices:\n", titles[group]);
            first = false;
            say("name \"%s\", bus %s", kind->name, kind->function ? "PCI" : "ISA");
            if (kind->alias) say(", alias \"%s\"", kind->alias);
            say(": %s\n", kind->help);
        }
        if (!first) say("\n");
    }
    say("-device NAME,help lists what may follow the name\n");
    return TAKEN_LAST;
}

static void list_option(const struct device_option *o) {
    say("  %s=%s%*s%s", o->key, o->value, (int)(20 - strlen(o->key) - strlen(o->value)), "", o->help);
    if (o->type == OPTION_SWITCH)
        say(" (default %s)", o->standard ? "on" : "off");
    else if (o->type != OPTION_TEXT)
        say(" (default %#llx)", (unsigned long long)o->standard);
    say("\n");
}

static void list_common(const struct device *kind) {
    say("  id=NAME              its name: of a bridge, of the bus behind it\n");
    if (!kind->function) return;
    say("  addr=DEVICE[.N]      its device number on PCI, hexadecimal, and function (default: the first that is free)\n"
        "  bus=NAME             the bus that it is on (default: pci.0 or pcie.0)\n"
        "  multifunction=on|off there are other functions of this device (default off)\n");
}

// --- names ---
// Kinds of devices that QEMU has, and nothing of which is modelled.
static const char *absent_kind(const char *name) {
    static const struct {
        const char *begins, *text;
    } absent[] = {{"virtio-net", "networks are not modelled"},
                  {"e1000", "networks are not modelled"},
                  {"rtl8139", "networks are not modelled"},
                  {"ne2k", "networks are not modelled"},
                  {"pcnet", "networks are not modelled"},
                  {"vmxnet", "networks are not modelled"},
                  {"i825", "networks are not modelled"},
                  {"igb", "networks are not modelled"},
                  {"virtio-scsi", "SCSI is not modelled; virtio-blk-pci, ide-hd and ide-cd take drives"},
                  {"scsi-", "SCSI is not modelled; virtio-blk-pci, ide-hd and ide-cd take drives"},
                  {"lsi", "SCSI is not modelled; virtio-blk-pci, ide-hd and ide-cd take drives"},
                  {"megasas", "SCSI is not modelled; virtio-blk-pci, ide-hd and ide-cd take drives"},
                  {"usb-", "USB is not modelled; there are a PS/2 keyboard and mouse"},
                  {"qemu-xhci", "USB is not modelled; there are a PS/2 keyboard and mouse"},
                  {"nec-usb", "USB is not modelled; there are a PS/2 keyboard and mouse"},
                  {"nvme", "NVMe is not modelled; virtio-blk-pci, ide-hd and ide-cd take drives"}};
    for (unsigned i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strncmp(name, absent[i].begins, strlen(absent[i].begins)) == 0) return absent[i].text;
    return NULL;
}

static enum taken refuse_name(const struct option *option, const char *value, const char *name) {
    const struct device *kind, *nearest = NULL;
    unsigned best = PARSE_FAR, distance;
    char text[160];
    if (absent_kind(name)) {
        snprintf(text, sizeof text, "no such device: %s", absent_kind(name));
        return option_wrong(option, value, text);
    }
    for (unsigned i = 0; (kind = machine_device_kind(i)); i++)
        if (!kind->fixed && (distance = parse_distance(name, kind->name)) < best) best = distance, nearest = kind;
    if (!nearest) return option_wrong(option, value, "no such device is modelled; -device help lists those that are");
    snprintf(text, sizeof text, "no such device is modelled; did you mean %s? (-device help lists all)", nearest->name);
    return option_wrong(option, value, text);
}

static const struct device *kind_named(const char *name) {
    const struct device *kind;
    for (unsigned i = 0; (kind = machine_device_kind(i)); i++)
        if (!kind->fixed && (strcmp(kind->name, name) == 0 || (kind->alias && strcmp(kind->alias, name) == 0)))
            return kind;
    return NULL;
}

static enum taken list_device_options(const struct device *kind) {
    say("%s: %s\n", kind->name, kind->help);
    for (unsigned n = 0; n < kind->options; n++) list_option(&kind->option[n]);
    list_common(kind);
    return TAKEN_LAST;
}

// A property that is not there, and one that is and was likely meant.
static bool is_misspelt(const struct device *kind, const char *list, char *text, size_t size) {
    static const char *const common[] = {"id", "addr", "bus", "multifunction"};
    char key[64];
    while (parse_item(&list, key, sizeof key)) {
        const char *nearest = NULL;
        unsigned best = PARSE_FAR, distance;
        key[strcspn(key, "=")] = '\0';
        if (device_has_option(kind, key)) continue;
        for (unsigned i = 0; i < kind->options; i++)
            if ((distance = parse_distance(key, kind->option[i].key)) < best)
                best = distance, nearest = kind->option[i].key;
        for (unsigned i = 0; i < sizeof common / sizeof *common; i++)
            if (device_has_option(kind, common[i]) && (distance = parse_distance(key, common[i])) < best)
                best = distance, nearest = common[i];
        if (!nearest) return false;
        snprintf(text, size, "%s has no property %s; did you mean %s? (-device %s,help lists all)", kind->name, key,
                 nearest, kind->name);
        return true;
    }
    return false;
}

enum taken take_device(struct options *options, const struct option *option, const char *value) {
    char name[64], word[64], error[300];
    const char *properties = value;
    if (!parse_item(&properties, name, sizeof name))
        return option_wrong(option, value, "which device? -device help lists them");
    if (strcmp(name, "help") == 0 || strcmp(name, "?") == 0) return list_devices();
    const struct device *kind = kind_named(name);
    if (!kind) return refuse_name(option, value, name);
    for (const char *list = properties; parse_item(&list, word, sizeof word);)
        if (strcmp(word, "help") == 0 || strcmp(word, "?") == 0) return list_device_options(kind);
    if (is_misspelt(kind, properties, error, sizeof error)) return option_wrong(option, value, error);
    return machine_config_device(&options->machine, value, error, sizeof error) ? TAKEN
                                                                                : option_wrong(option, value, error);
}
