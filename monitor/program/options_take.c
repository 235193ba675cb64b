// What each option means: the functions behind the rows of options.def.
// NOT IMPLEMENTED: network, display; they are refused by name.
#include "devices/bus/device.h"
#include "cpu/timing/model.h"
#include "monitor/program/cpu_option.h"
#include "monitor/program/options_row.h"
#include "monitor/program/rows.h"
#include "monitor/host/host_clock.h"
#include "monitor/load/load.h"
#include "monitor/host/parse.h"
#include "monitor/session/record.h"
#include "monitor/host/status.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 100 }; // bytes of a value that is quoted

enum taken option_wrong(const struct option *option, const char *value, const char *wanted) {
    complain("-%s %.*s%s: %s", option->name, SHOWN, value, strlen(value) > SHOWN ? "..." : "", wanted);
    return TAKEN_WRONG;
}

enum taken take_kernel(struct options *options, const struct option *option, const char *value) {
    (void)option;
    options->kernel = value;
    return TAKEN;
}

enum taken take_initrd(struct options *options, const struct option *option, const char *value) {
    (void)option;
    options->initrd = value;
    return TAKEN;
}

enum taken take_append(struct options *options, const struct option *option, const char *value) {
    (void)option;
    options->append = value;
    return TAKEN;
}

enum taken take_loadvm(struct options *options, const struct option *option, const char *value) {
    (void)option;
    options->loadvm = value;
    return TAKEN;
}

static bool is_place(const char *value) {
    static const char *const kinds[] = {"exec:", "unix:", "tcp:"};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(value, kinds[i], strlen(kinds[i])) == 0 && value[strlen(kinds[i])])
            return strlen(value) < OPTIONS_PLACE;
    return false;
}

enum taken take_incoming(struct options *options, const struct option *option, const char *value) {
    options->incoming = value;
    return is_place(value) ? TAKEN : option_wrong(option, value, "write unix:PATH, tcp:HOST:PORT or exec:COMMAND");
}

enum taken take_migrate_to(struct options *options, const struct option *option, const char *value) {
    if (!is_place(value)) return option_wrong(option, value, "write exec:COMMAND, unix:PATH or tcp:HOST:PORT");
    if (options->migrations == OPTIONS_MIGRATIONS) return option_wrong(option, value, "there are 16 places already");
    options->migrate_to[options->migrations++] = value;
    return TAKEN;
}

enum taken take_protocol(struct options *options, const struct option *option, const char *value) {
    for (unsigned i = 0; (options->protocol = loader_at(i)); i++)
        if (strcmp(options->protocol->id, value) == 0) return TAKEN;
    return option_wrong(option, value, "write linux, multiboot, multiboot2, pvh or elf");
}

enum taken take_memory(struct options *options, const struct option *option, const char *value) {
    const char *size = strncmp(value, "size=", 5) == 0 ? value + 5 : value;
    uint64_t bytes;
    if (!parse_size(size, 1 << 20, &bytes) || bytes == 0)
        return option_wrong(option, value, "not a size; write 512 (MBytes), 512M or 2G");
    if (bytes % 4096)
        return option_wrong(option, value, "RAM comes in pages; the size must be a multiple of 4096 bytes");
    options->machine.ram_bytes = bytes;
    return TAKEN;
}

struct topology {
    uint64_t cpus, cores, most;
    uint64_t single[4]; // of which there must be one
};

// What -smp can say: how many of each there are in the next larger one. There is one package, whose processors are
// cores.
static bool take_topology(const char *item, struct topology *t) {
    static const struct {
        const char *key;
        size_t member;
    } keys[] = {{"cpus", offsetof(struct topology, cpus)},         {"sockets", offsetof(struct topology, single[0])},
                {"dies", offsetof(struct topology, single[1])},    {"clusters", offsetof(struct topology, single[2])},
                {"threads", offsetof(struct topology, single[3])}, {"cores", offsetof(struct topology, cores)},
                {"maxcpus", offsetof(struct topology, most)}};
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t length = strlen(keys[i].key);
        if (strncmp(item, keys[i].key, length) == 0 && item[length] == '=')
            return parse_number(item + length + 1, (uint64_t *)((char *)t + keys[i].member));
    }
    return t->cpus == 0 && parse_number(item, &t->cpus);
}

enum taken take_smp(struct options *options, const struct option *option, const char *value) {
    struct topology t = {.single = {1, 1, 1, 1}};
    char item[64];
    for (const char *list = value; parse_item(&list, item, sizeof item);)
        if (!take_topology(item, &t))
            return option_wrong(option, value, "write N or cpus=N; the processors are cores of one package");
    uint64_t cpus = t.cpus ? t.cpus : t.cores;
    for (unsigned i = 0; i < sizeof t.single / sizeof *t.single; i++)
        if (t.single[i] != 1)
            return option_wrong(option, value,
                                "there is one socket, of one die and cluster, and a core has one thread");
    if (cpus == 0 || cpus > MACHINE_CPUS)
        return option_wrong(option, value, "not a number of processors; 1 to 64 can be had");
    if (t.cores && t.cores != cpus)
        return option_wrong(option, value, "every processor is a core: write as many cores");
    if (t.most && t.most != cpus)
        return option_wrong(option, value, "processors cannot be added later: maxcpus is their number");
    options->machine.cpus = (uint32_t)cpus;
    return TAKEN;
}

enum taken take_cpu(struct options *options, const struct option *option, const char *value) {
    char error[200] = "not a processor model";
    if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
        const struct cpu_model *model;
        for (unsigned i = 0; (model = cpu_model_at(i)); i++)
            say("%-16s %s%s\n", model->name, model->brand, i == 0 ? " (default)" : "");
        say("feature_control=N        what firmware writes to IA32_FEATURE_CONTROL: 5 (default) locks it with VMX on, "
            "1 "
            "with VMX "
            "off, 0 leaves it\n");
        say("preemption_timer_rate=N  which bit of the TSC the VMX-preemption timer goes by (IA32_VMX_MISC 4:0): 0 to "
            "31, 2 "
            "(default)\n");
        say("Features to add or take away with ,+name ,-name:\n");
        for (unsigned i = FEATURE_BASE + 1; i < FEATURE_COUNT; i++) say("  %s\n", feature_text((enum feature)i));
        return TAKEN_LAST;
    }
    return cpu_option_parse(value, &options->machine.model, error, sizeof error) ? TAKEN
                                                                                 : option_wrong(option, value, error);
}

enum taken take_timing(struct options *options, const struct option *option, const char *value) {
    const char *text, *name;
    if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
        say("%-12s one cycle for each step (default)\n", "step");
        for (unsigned i = 0; (name = timing_model_name(i, &text)); i++) say("%-12s %s\n", name, text);
        return TAKEN_LAST;
    }
    options->machine.timing = 0;
    if (strcmp(value, "step") == 0) return TAKEN;
    for (unsigned i = 0; (name = timing_model_name(i, NULL)); i++)
        if (strcmp(value, name) == 0) options->machine.timing = i + 1;
    return options->machine.timing ? TAKEN : option_wrong(option, value, "not a timing model; -timing help lists them");
}

// Names of QEMU's ways to execute, as in kvm:tcg.
static bool are_accelerators(const char *names) {
    static const char *const known[] = {"kvm", "tcg", "hax", "hvf", "nvmm", "whpx", "xen"};
    for (;;) {
        size_t length = strcspn(names, ":");
        bool good = false;
        for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
            good |= strlen(known[i]) == length && strncmp(known[i], names, length) == 0;
        if (!good || !names[length]) return good;
        names += length + 1;
    }
}

// Of what -machine can say, that which makes no difference here.
static bool changes_nothing(const char *item) {
    static const char *const accepted[] = {"usb=off",      "vmport=off",         "graphics=off",
                                           "pit=off",      "dump-guest-core=on", "dump-guest-core=off",
                                           "mem-merge=on", "mem-merge=off"};
    for (unsigned i = 0; i < sizeof accepted / sizeof *accepted; i++)
        if (strcmp(item, accepted[i]) == 0) return true;
    return strncmp(item, "accel=", 6) == 0 && are_accelerators(item + 6);
}

// The board of a name that QEMU has; -1: there is none of it.
static int machine_named(const char *name) {
    static const struct {
        const char *name;
        bool versions; // any text may follow, as in pc-i440fx-7.2
        enum machine_kind kind;
    } known[] = {{"plain", false, MACHINE_PLAIN},
                 {"pc", false, MACHINE_PC},
                 {"pc-i440fx-", true, MACHINE_PC},
                 {"q35", false, MACHINE_Q35},
                 {"pc-q35-", true, MACHINE_Q35}};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].name);
        if (known[i].versions ? !strncmp(name, known[i].name, length) && name[length] : !strcmp(name, known[i].name))
            return known[i].kind;
    }
    return -1;
}

static bool take_machine_item(struct options *options, const char *item) {
    int kind = machine_named(strncmp(item, "type=", 5) == 0 ? item + 5 : item);
    bool tick = strcmp(item, "bios-tick=on") == 0;
    if (kind >= 0) {
        options->machine.machine = (uint8_t)kind;
        options->machine_given = true;
        options->firmware.wanted |= kind != MACHINE_PLAIN;
    } else if (tick || strcmp(item, "bios-tick=off") == 0) {
        options->machine.bios_tick = tick;
    } else {
        return changes_nothing(item);
    }
    return true;
}

enum taken take_machine(struct options *options, const struct option *option, const char *value) {
    char item[64];
    if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
        say("plain              chips at fixed places, no chipset to set up: the default with -kernel\n"
            "pc                 QEMU's i440FX, PIIX3 and PIIX4: also as pc-i440fx-..., type=pc\n"
            "q35                QEMU's MCH and ICH9: also as pc-q35-...\n"
            "bios-tick=on       as a BIOS leaves it: interrupt vectors, 8259s, and the 8254's 18.2 interrupts a "
            "second\n"
            "accel=..., usb=off, pit=off, vmport=off, graphics=off, dump-guest-core=..., mem-merge=... are accepted "
            "without effect\n");
        return TAKEN_LAST;
    }
    for (const char *list = value; parse_item(&list, item, sizeof item);)
        if (!take_machine_item(options, item))
            return option_wrong(option, value,
                                "the machines are plain, pc and q35; -machine help lists what is accepted");
    return TAKEN;
}

// Names that QEMU has, and what may follow them.
enum taken take_accel(struct options *options, const struct option *option, const char *value) {
    static const char *const accepted[] = {"tcg", "kvm", "hvf", "hax", "whpx", "nvmm", "xen", "qtest"};
    char name[16];
    const char *list = value;
    (void)options;
    if (parse_item(&list, name, sizeof name))
        for (unsigned i = 0; i < sizeof accepted / sizeof *accepted; i++)
            if (strcmp(name, accepted[i]) == 0) return TAKEN;
    return option_wrong(option, value,
                        "not the name of an accelerator; tcg, kvm and its like are accepted, without effect");
}

// DRIVER.NAME=VALUE, NAME=VALUE
enum taken take_property(struct options *options, const struct option *option, const char *value) {
    const char *equals = strchr(value, '='), *dot = strchr(value, '.');
    bool wants_driver = option->argument[0] == 'D';
    bool good = equals && equals > value && equals[1] && (!wants_driver || (dot && dot > value && dot + 1 < equals));
    (void)options;
    return good ? TAKEN : option_wrong(option, value, wants_driver ? "write DRIVER.NAME=VALUE" : "write NAME=VALUE");
}

enum taken take_nothing(struct options *options, const struct option *option, const char *value) {
    (void)options, (void)option, (void)value;
    return TAKEN;
}

enum taken take_none(struct options *options, const struct option *option, const char *value) {
    (void)options;
    return strcmp(value, "none") == 0 ? TAKEN
                                      : option_wrong(option, value, "not modelled yet; the only choice is none");
}

enum taken take_absent(struct options *options, const struct option *option, const char *value) {
    (void)options, (void)value;
    complain("-%s: %s (docs/limits.md)", option->name, option->help);
    return TAKEN_WRONG;
}

static enum taken add_drive(struct options *options, const struct option *option, const char *value, bool good,
                            const struct drive_wish *wish, const char *error) {
    if (!good) return option_wrong(option, value, error);
    if (options->drives == MACHINE_DRIVES) return option_wrong(option, value, "there are 16 drives already");
    options->drive[options->drives] = *wish;
    snprintf(options->drive[options->drives++].option, sizeof wish->option, "%s", option->name);
    return TAKEN;
}

enum taken take_drive(struct options *options, const struct option *option, const char *value) {
    struct drive_wish wish;
    char error[200];
    bool good = drive_option_take(value, &wish, error, sizeof error);
    return add_drive(options, option, value, good, &wish, error);
}

// -hda to -hdd
enum taken take_hda(struct options *options, const struct option *option, const char *value) {
    struct drive_wish wish;
    char error[200];
    bool good = drive_option_file(value, option->name[2] - 'a', false, &wish, error, sizeof error);
    return add_drive(options, option, value, good, &wish, error);
}

enum taken take_pflash(struct options *options, const struct option *option, const char *value) {
    struct drive_wish wish;
    char error[200];
    bool good = drive_option_file(value, -1, false, &wish, error, sizeof error);
    wish.config.interface = DRIVE_PFLASH;
    wish.raw = true;
    return add_drive(options, option, value, good, &wish, error);
}

enum taken take_cdrom(struct options *options, const struct option *option, const char *value) {
    struct drive_wish wish;
    char error[200];
    bool good = drive_option_file(value, 2, true, &wish, error, sizeof error);
    return add_drive(options, option, value, good, &wish, error);
}

enum taken take_snapshot(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->snapshot = true;
    return TAKEN;
}

// [name=]NAME,file=FILE or [name=]NAME,string=TEXT
enum taken take_fw_cfg(struct options *options, const struct option *option, const char *value) {
    static const char wanted[] = "write NAME,file=FILE or NAME,string=TEXT";
    unsigned index = options->machine.files;
    if (index == OPTIONS_FILES) return option_wrong(option, value, "there are 32 files already");
    char *name = options->file_name[index];
    struct file *file = &options->file[index];
    const char *list = strncmp(value, "name=", 5) == 0 ? value + 5 : value;
    if (!parse_item(&list, name, OPTIONS_FILE_NAME)) return option_wrong(option, value, wanted);
    bool text = strncmp(list, "string=", 7) == 0;
    if (!text && (strncmp(list, "file=", 5) != 0 || !list[5])) return option_wrong(option, value, wanted);
    if (!text && !file_read(file, list + 5)) return TAKEN_WRONG;
    size_t bytes = text ? strlen(list + 7) : file->size;
    if (bytes > UINT32_MAX) return option_wrong(option, value, "this is larger than 4 GBytes");
    options->machine_file[index] =
        (struct machine_file){name, text ? (const void *)(list + 7) : file->bytes, (uint32_t)bytes};
    options->machine.file = options->machine_file;
    options->machine.files++;
    return TAKEN;
}

enum taken take_rtc(struct options *options, const struct option *option, const char *value) {
    char item[64];
    for (const char *list = value; parse_item(&list, item, sizeof item);) {
        const char *base = strncmp(item, "base=", 5) == 0 ? item + 5 : NULL;
        if (base && (strcmp(base, "utc") == 0 || strcmp(base, "localtime") == 0)) {
            options->machine.rtc_epoch = host_date(strcmp(base, "localtime") == 0);
        } else if (strcmp(item, "clock=vm") != 0 && !(base && parse_date(base, &options->machine.rtc_epoch))) {
            return option_wrong(option, value,
                                "write base=2024-01-31T12:00:00, base=2024-01-31, base=utc or base=localtime");
        }
    }
    return TAKEN;
}

enum taken take_seed(struct options *options, const struct option *option, const char *value) {
    return parse_number(value, &options->machine.seed)
               ? TAKEN
               : option_wrong(option, value, "the seed is a number, decimal or hexadecimal after 0x");
}

enum taken take_no_reboot(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->no_reboot = true;
    return TAKEN;
}

enum taken take_no_shutdown(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->no_shutdown = true;
    return TAKEN;
}

enum taken take_on_end(struct options *options, const struct option *option, const char *value) {
    options->stops_at_end = strcmp(value, "stop") == 0;
    return options->stops_at_end || strcmp(value, "leave") == 0 ? TAKEN
                                                                : option_wrong(option, value, "write stop or leave");
}

static bool parse_channel(const char *text, struct channel *channel) {
    if (strcmp(text, "stdio") == 0 || strcmp(text, "mon:stdio") == 0)
        *channel = (struct channel){CHANNEL_STDIO, NULL};
    else if (strncmp(text, "file:", 5) == 0 && text[5])
        *channel = (struct channel){CHANNEL_FILE, text + 5};
    else if (strcmp(text, "null") == 0 || strcmp(text, "none") == 0)
        *channel = (struct channel){CHANNEL_NULL, NULL};
    else
        return false;
    return true;
}

enum taken take_serial(struct options *options, const struct option *option, const char *value) {
    if (options->serial_options == MACHINE_SERIAL_PORTS)
        return option_wrong(option, value, "there are four serial ports at most");
    struct channel *channel = &options->serial[options->serial_options];
    if (!parse_channel(value, channel))
        return option_wrong(option, value, "write stdio, mon:stdio, file:FILE, null or none");
    for (unsigned i = 0; i < options->serial_options; i++)
        if (channel->kind == CHANNEL_STDIO && options->serial[i].kind == CHANNEL_STDIO)
            return option_wrong(option, value, "one serial port is on stdio already");
    options->no_serial = strcmp(value, "none") == 0 && options->serial_options == 0;
    options->serial_options++;
    return TAKEN;
}

enum taken take_debugcon(struct options *options, const struct option *option, const char *value) {
    return parse_channel(value, &options->debug_console)
               ? TAKEN
               : option_wrong(option, value, "write stdio, file:FILE, null or none");
}

// The place before the words that QEMU has for servers. None of the latter changes anything here: there is a server
// that waits for nobody, unless -S says so.
static bool take_place(const char *value, char place[OPTIONS_PLACE]) {
    static const char *const accepted[] = {"server", "server=on", "nowait", "wait=off"};
    char word[16];
    if (!parse_item(&value, place, OPTIONS_PLACE)) return false;
    while (parse_item(&value, word, sizeof word)) {
        bool known = false;
        for (unsigned i = 0; i < sizeof accepted / sizeof *accepted; i++) known |= strcmp(word, accepted[i]) == 0;
        if (!known) return false;
    }
    return true;
}

enum taken take_monitor(struct options *options, const struct option *option, const char *value) {
    if (strcmp(value, "stdio") == 0)
        options->monitor = MONITOR_STDIO;
    else if (strcmp(value, "none") == 0)
        options->monitor = MONITOR_NONE;
    else if (strncmp(value, "unix:", 5) == 0 && take_place(value + 5, options->monitor_path))
        options->monitor = MONITOR_UNIX;
    else
        return option_wrong(option, value, "write stdio, unix:PATH (and perhaps ,server,nowait) or none");
    return TAKEN;
}

// The words that QEMU has behind `on` name what is refused here anyway.
enum taken take_sandbox(struct options *options, const struct option *option, const char *value) {
    static const char *const accepted[] = {"on", "obsolete=deny", "elevateprivileges=deny", "spawn=deny",
                                           "resourcecontrol=deny"};
    char word[32];
    options->sandbox = strcmp(value, "off") == 0 ? SANDBOX_OFF : SANDBOX_ON;
    if (options->sandbox == SANDBOX_OFF) return TAKEN;
    for (const char *list = value; parse_item(&list, word, sizeof word);) {
        bool known = false;
        for (unsigned i = 0; i < sizeof accepted / sizeof *accepted; i++) known |= strcmp(word, accepted[i]) == 0;
        if (!known) return option_wrong(option, value, "write on or off");
    }
    return TAKEN;
}

enum taken take_why(struct options *options, const struct option *option, const char *value) {
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) return option_wrong(option, value, "write on or off");
    options->why = strcmp(value, "on") == 0 ? WHY_ON : WHY_OFF;
    return TAKEN;
}

enum taken take_script(struct options *options, const struct option *option, const char *value) {
    (void)option;
    options->script = value;
    return TAKEN;
}

enum taken take_trace(struct options *options, const struct option *option, const char *value) {
    if (!strchr(value, '=')) return option_wrong(option, value, "write what to trace, and to where: exits,io=FILE");
    if (options->traces == OPTIONS_TRACES)
        return option_wrong(option, value, "eight traces are asked for already, and there can be no more");
    options->trace[options->traces++] = value;
    return TAKEN;
}

enum taken take_report(struct options *options, const struct option *option, const char *value) {
    if (!strchr(value, '='))
        return option_wrong(option, value, "write what to report, and to where: all=FILE, stderr or stop");
    if (options->reports == OPTIONS_TRACES)
        return option_wrong(option, value, "eight are asked for already, and there can be no more");
    options->report[options->reports++] = value;
    return TAKEN;
}

enum taken take_gdb(struct options *options, const struct option *option, const char *value) {
    bool known = strncmp(value, "tcp:", 4) == 0 || strncmp(value, "unix:", 5) == 0;
    if (*options->gdb) return option_wrong(option, value ? value : "", "-gdb and -s are there already; leave one out");
    return known && take_place(value, options->gdb)
               ? TAKEN
               : option_wrong(option, value,
                              "write tcp::PORT, tcp:HOST:PORT or unix:PATH (and perhaps ,server,nowait)");
}

enum taken take_gdb_default(struct options *options, const struct option *option, const char *value) {
    (void)value;
    return take_gdb(options, option, "tcp::1234");
}

enum taken take_stopped(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->stopped = true;
    return TAKEN;
}

static enum taken take_count(const struct option *option, const char *value, uint64_t *count) {
    return parse_count(value, count) && *count > 0
               ? TAKEN
               : option_wrong(option, value,
                              "not a number of steps from 1 to 18446744073709551615; write 1000, 20k, 5M or 1G");
}

enum taken take_history(struct options *options, const struct option *option, const char *value) {
    return parse_size(value, 1 << 20, &options->history_bytes)
               ? TAKEN
               : option_wrong(option, value, "not a size; write 512 (MBytes), 512M or 2G, or 0 for none");
}

enum taken take_workers(struct options *options, const struct option *option, const char *value) {
    uint64_t count;
    if (!parse_number(value, &count) || count < 1 || count > OPTIONS_WORKERS)
        return option_wrong(option, value, "not a number of threads from 1 to 64");
    options->history_workers = (unsigned)count;
    return TAKEN;
}

enum taken take_tier(struct options *options, const struct option *option, const char *value) {
    uint64_t tier;
    if (!parse_number(value, &tier) || tier < 1 || tier > 2)
        return option_wrong(option, value, "not a tier; write 1 (interpreted) or 2 (what runs often is compiled)");
    options->tier = (unsigned)tier;
    return TAKEN;
}

enum taken take_tier_cache(struct options *options, const struct option *option, const char *value) {
    enum { LEAST = 1 << 20, MOST = 1 << 30 };
    uint64_t bytes;
    if (!parse_size(value, 1 << 20, &bytes) || bytes < LEAST || bytes > MOST)
        return option_wrong(option, value, "not a size from 1M to 1G; write 64 (MBytes), 64M or 1G");
    options->tier_bytes = bytes;
    return TAKEN;
}

// FILE, and words behind it. False: what is wrong was said.
static bool take_path(const struct option *option, const char **list, char *path) {
    return (parse_item(list, path, OPTIONS_PATH) && *path) ||
           option_wrong(option, *list, "a file's name is missing") == TAKEN;
}

enum taken take_record(struct options *options, const struct option *option, const char *value) {
    return record_take(&options->record, value)
               ? TAKEN
               : option_wrong(option, value, "write " RECORD_WORDS " (a comma in FILE is ,,)");
}

enum taken take_replay(struct options *options, const struct option *option, const char *value) {
    char word[OPTIONS_FILE_NAME + 3];
    const char *list = value;
    if (!take_path(option, &list, options->replay)) return TAKEN_WRONG;
    while (parse_item(&list, word, sizeof word)) {
        if (strncmp(word, "at=", 3) != 0 || !word[3])
            return option_wrong(option, value,
                                "write FILE, or FILE,at=STEP, at=end or at=MARK (a comma in FILE is ,,)");
        strcpy(options->replay_at, word + 3);
    }
    return TAKEN;
}

enum taken take_steps(struct options *options, const struct option *option, const char *value) {
    return take_count(option, value, &options->steps);
}

enum taken take_cycles(struct options *options, const struct option *option, const char *value) {
    return parse_count(value, &options->cycles) && options->cycles
               ? TAKEN
               : option_wrong(option, value,
                              "not a number of cycles from 1 to 18446744073709551615; write 1000, 20k, 5M or 1G");
}

enum taken take_hash_every(struct options *options, const struct option *option, const char *value) {
    return take_count(option, value, &options->hash_every);
}

enum taken take_drop_every(struct options *options, const struct option *option, const char *value) {
    return take_count(option, value, &options->drop_every);
}

enum taken take_hash(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->hash = true;
    return TAKEN;
}

enum taken take_stats(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->stats = true;
    return TAKEN;
}

enum taken take_single_step(struct options *options, const struct option *option, const char *value) {
    options->single_from = 0;
    options->single_count = UINT64_MAX;
    if (!value) return TAKEN;
    char from[32];
    const char *colon = strchr(value, ':');
    if (!colon || (size_t)(colon - value) >= sizeof from)
        return option_wrong(option, value, "write -single-step=FROM:COUNT");
    memcpy(from, value, (size_t)(colon - value));
    from[colon - value] = '\0';
    if (!parse_count(from, &options->single_from) || !parse_count(colon + 1, &options->single_count))
        return option_wrong(option, value, "write -single-step=FROM:COUNT");
    return TAKEN;
}

enum taken take_rows(struct options *options, const struct option *option, const char *value) {
    (void)options;
    return rows_print(value) ? TAKEN_LAST : option_wrong(option, value, "there is no such table");
}

enum taken take_version(struct options *options, const struct option *option, const char *value) {
    (void)options, (void)option, (void)value;
    say("vmxray " VMXRAY_VERSION "\n");
    return TAKEN_LAST;
}
