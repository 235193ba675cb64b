// The command line: finding the row of each option, and the help text that the rows hold.
#include "monitor/session/record.h"
#include "monitor/session/workers.h"
#include "monitor/session/options.h"
#include "monitor/program/display_option.h"
#include "monitor/program/options_row.h"
#include "monitor/host/output.h"
#include "monitor/host/parse.h"
#include "monitor/host/status.h"
#include <stdio.h>
#include <string.h>

static const struct option rows[] = {
#define OPTION(group, name, argument, times, handler, help) {group, name, argument, times, take_##handler, help},
#include "monitor/program/options.def"
#undef OPTION
};
enum { ROWS = sizeof rows / sizeof *rows };

const struct option *option_at(unsigned index) { return index < ROWS ? &rows[index] : NULL; }

// --- help ---

static void write_said(void *context, const char *text, size_t bytes) {
    (void)context;
    say("%.*s", (int)bytes, text);
}

// As wide as the terminal; a line a row where it goes elsewhere.
static void print_row(struct output *output, const char *optional, const struct option *row) {
    enum { BESIDE = 33 };
    const char *between = *row->argument ? optional : "";
    output_print(output, PLAIN, "  -%s%s%s", row->name, between, row->argument);
    unsigned width = (unsigned)(strlen(row->name) + strlen(between) + strlen(row->argument)) + 3;
    unsigned column = width < BESIDE ? BESIDE : width + 1;
    output_print(output, PLAIN, "%*s", (int)(column - width), "");
    output_wrap(output, column, BESIDE, output_columns(OUTPUT_SCREEN), row->help);
}

static void print_status(struct output *output, const char *number, const char *text) {
    output_print(output, PLAIN, "%s", number);
    output_wrap(output, (unsigned)strlen(number), (unsigned)strlen(number), output_columns(OUTPUT_SCREEN), text);
}

enum taken take_help(struct options *options, const struct option *option, const char *value) {
    (void)options, (void)option, (void)value;
    static const char *const groups[] = {"What to boot", "The machine", "Disks", "The console", "The run", "Other"};
    struct output output = {.write = write_said};
    output_print(&output, PLAIN,
                 "vmxray " VMXRAY_VERSION ": an x86-64 PC with VT-x, in software\n"
                 "usage: vmxray DISK.img [option...]\n"
                 "       vmxray -kernel FILE [-append TEXT] [option...]\n");
    for (unsigned i = 0; i < ROWS && rows[i].group != HIDDEN; i++) {
        if (i == 0 || rows[i].group != rows[i - 1].group) output_print(&output, PLAIN, "\n%s\n", groups[rows[i].group]);
        const char *optional = rows[i].argument[0] == '[' ? "=" : " ";
        print_row(&output, optional, &rows[i]);
    }
    output_print(&output, PLAIN, "\nExit status\n");
#define STATUS(number, name, text) print_status(&output, "  " #number "  ", text);
#include "monitor/host/status.def"
#undef STATUS
    print_status(&output, "  2 * N + 1 ", "when the guest writes N to isa-debug-exit, as in QEMU");
    print_status(&output, "  128 + N ", "when the signal N ended the run, after its account");
    output_flush(&output);
    output_free(&output);
    return TAKEN_LAST;
}

// `name` is cut off at '='.
static const struct option *find(const char *name, size_t length) {
    for (unsigned i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) return &rows[i];
    return NULL;
}

static bool complain_unknown(const char *argument, const char *name, size_t length) {
    char word[64];
    unsigned best = PARSE_FAR, distance;
    const struct option *nearest = NULL;
    snprintf(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), name);
    for (unsigned i = 0; i < ROWS && rows[i].group != HIDDEN; i++) {
        if ((distance = parse_distance(word, rows[i].name)) < best) {
            best = distance;
            nearest = &rows[i];
        }
    }
    if (nearest) return complain("%s: no such option; did you mean -%s? (-help lists all)", argument, nearest->name);
    return complain("%s: no such option (-help lists all)", argument);
}

// Whether the value is there where one is wanted, and none where not. The next option is no value, unless it is written
// so.
static bool is_fit(const struct option *option, const char *value, bool after_equals) {
    bool wants = option->argument[0] != '\0', optional = option->argument[0] == '[';
    bool may_be_empty = option->take == take_append;
    if (!wants && value) return complain("-%s takes no value; leave out =%s", option->name, value);
    if (!wants || (optional && !value)) return true;
    if (!value || (!*value && !may_be_empty))
        return complain("-%s needs a value: -%s %s (%s)", option->name, option->name, option->argument, option->help);
    if (!after_equals && value[0] == '-' && find(value + 1, strlen(value + 1)))
        return complain("-%s needs a value, and %s is an option; write -%s=%s if it is meant", option->name, value,
                        option->name, value);
    return true;
}

static bool was_given(const struct option *option) {
    static bool given[ROWS];
    bool again = given[option - rows];
    given[option - rows] = true;
    return again;
}

// Whether it may be there, once more.
static bool is_new(const struct option *option) {
    return !was_given(option) || option->times == MANY || complain("-%s is there twice; leave one out", option->name);
}

// Whether it says what the machine is or begins with.
static bool decides(const struct option *option) {
    bool nothing = option->take == take_nothing || option->take == take_accel || option->take == take_property ||
                   option->take == take_no_reboot || option->take == take_no_shutdown;
    return (option->group == BOOT || option->group == MACHINE) && !nothing;
}

// A word that is no option's: the first disk.
static enum taken take_word_alone(struct options *options, const char *word) {
    const struct option *disk = find("hda", 3);
    if (!word[0] || !word[1])
        complain("%s: not an option, and no image of a disk", word);
    else if (was_given(disk))
        complain("%s: a word alone is the first disk, and there is one already; write -hdb %s if it is another", word,
                 word);
    else
        return disk->take(options, disk, word);
    return TAKEN_WRONG;
}

// One option at argv[*at]; *at moves on to its last word.
static enum taken take_argument(struct options *options, int argc, char **argv, int *at) {
    const char *argument = argv[*at], *value = NULL;
    if (argument[0] != '-' || argument[1] == '\0') return take_word_alone(options, argument);
    const char *name = argument + (argument[1] == '-' ? 2 : 1), *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = find(name, length);
    if (!option) {
        complain_unknown(argument, name, length);
        return TAKEN_WRONG;
    }
    bool wants = option->argument[0] != '\0', optional = option->argument[0] == '[';
    if (equals)
        value = equals + 1;
    else if (wants && !optional && ++*at < argc)
        value = argv[*at];
    if (options->givens < OPTIONS_GIVEN) options->given[options->givens++] = option->name;
    if (decides(option) && !options->decides) options->decides = option->name;
    return is_fit(option, value, equals) && is_new(option) ? option->take(options, option, value) : TAKEN_WRONG;
}

static void set_defaults(struct options *options) {
    *options =
        (struct options){.history_bytes = UINT64_MAX,
                         .history_workers = workers_usual(),
                         .tier = 2,
                         .tier_bytes = OPTIONS_TIER_BYTES,
                         .record.hashes = RECORD_HASHES,
                         .steps = UINT64_MAX,
                         .cycles = UINT64_MAX,
                         .firmware = {.menu_milliseconds = FIRMWARE_UNSAID, .fail_milliseconds = FIRMWARE_UNSAID},
                         .serial[0].kind = CHANNEL_STDIO};
    machine_config_default(&options->machine);
    if (cpu_model_at(0)) options->machine.model = *cpu_model_at(0);
}

static bool has_something_to_run(const struct options *o) {
    const char *boot = o->kernel     ? "-kernel"
                       : o->initrd   ? "-initrd"
                       : o->append   ? "-append"
                       : o->protocol ? "-protocol"
                                     : NULL;
    const char *instead = o->loadvm ? "-loadvm" : "-incoming", *from = o->loadvm ? o->loadvm : o->incoming;
    if (o->loadvm && o->incoming) return complain("-loadvm and -incoming are both there; leave one out");
    if (from && boot) return complain("%s %s: it has what was booted; leave out %s", instead, from, boot);
    return from || o->kernel || machine_config_has_firmware(&o->machine) ||
           complain(
               "nothing to boot: give a disk (vmxray DISK.img), a CD with -cdrom FILE, or a kernel with -kernel FILE "
               "(-help lists all options)");
}

// A replay has its machine out of the file.
static bool replay_is_alone(const struct options *options) {
    if (options->decides)
        return complain("-replay: what the machine is stands in %s; leave out -%s", options->replay, options->decides);
    return !*options->record.path || complain("-replay and -record: the run is recorded already; leave one out");
}

static bool plan_drives(struct options *o) {
    char error[400];
    return drive_options_plan(o->drive, o->drives, &o->machine, error, sizeof error) || complain("%s", error);
}

enum parsed options_parse(struct options *options, int argc, char **argv) {
    set_defaults(options);
    for (int i = 1; i < argc; i++) {
        enum taken taken = take_argument(options, argc, argv, &i);
        if (taken != TAKEN) return taken == TAKEN_LAST ? PARSED_DONE : PARSED_WRONG;
    }
    options->machine.serial_ports = options->no_serial ? 0 : options->serial_options ? options->serial_options : 1;
    if (options->no_serial && options->serial_options > 1) {
        complain("-serial none is for the only serial port; use -serial null");
        return PARSED_WRONG;
    }
    firmware_choose_machine(options);
    if (!plan_drives(options)) return PARSED_WRONG;
    if (!*options->replay && !display_finish(options, firmware_is_wanted(options))) return PARSED_WRONG;
    if (!firmware_plan(options)) return PARSED_WRONG;
    if (*options->replay) return replay_is_alone(options) ? PARSED_RUN : PARSED_WRONG;
    return has_something_to_run(options) ? PARSED_RUN : PARSED_WRONG;
}
