// vmxray, the program: reads the command line, loads a kernel into a machine, runs it.
#include "devices/recording/recording.h"
#include "devices/history/timeline.h"
#include "monitor/files/files.h"
#include "monitor/files/packed.h"
#include "monitor/files/signals.h"
#include "monitor/files/written.h"
#include "monitor/host/limits.h"
#include "monitor/disk/media.h"
#include "monitor/load/load.h"
#include "monitor/moving/moved.h"
#include "monitor/program/sandbox.h"
#include "monitor/program/serve.h"
#include "monitor/program/stats.h"
#include "monitor/screen/screen.h"
#include "monitor/session/blocks.h"
#include "monitor/session/record.h"
#include "monitor/session/replay.h"
#include "monitor/jail/code_pages.h"
#include "monitor/session/workers.h"
#include "monitor/host/terminal.h"
#include <stdlib.h>
#include <string.h>

enum { STACK_LEAST = 256 << 10 };

static uint64_t history_bytes(const struct options *o);

// What drives need beside their images: those of a recording are compared with it, or are in it.
struct disks {
    struct images images;
    struct blocks expected;
    struct recorded_drive recorded[IMAGE_NUMBERS];
    const struct recording *recording;
};

static bool recorded_disk(void *context, unsigned drive, struct block_back *out) {
    struct disks *d = context;
    return blocks_recorded(&d->recorded[drive], d->recording, drive, out);
}

static bool needs_image(void *context, unsigned drive) {
    const struct disks *d = context;
    return blocks_need_image(d->recording, drive);
}

static bool connect_images(struct options *o) {
    static struct disks disks;
    struct images_wish wish = {.drive = o->drive,
                               .drives = o->drives,
                               .snapshot = o->snapshot,
                               .history = history_bytes(o) || *o->record.path || o->recording,
                               .compared = o->recording != NULL,
                               .needs = needs_image,
                               .without = o->recording ? recorded_disk : NULL,
                               .context = &disks,
                               .inputs = o->recording ? &o->recording->inputs : NULL};
    o->images = &disks.images;
    disks.recording = o->recording;
    if (o->recording) images_watch(o->images, blocks_expected(&disks.expected, o->recording));
    return images_connect(o->images, &o->machine, &wish);
}

// Compiled code is no more than speed: without room for it the first tier does.
static void compile_begin(const struct options *options, struct machine *machine) {
    struct code_memory memory;
    if (code_pages_open(&memory, options->tier_bytes)) (void)machine_compile(machine, &memory);
}

static struct machine *make_machine(struct options *options, struct console *console) {
    char error[200];
    console_connect(console, &options->machine);
    if (!connect_images(options)) return NULL;
    struct machine *machine = machine_new(&options->machine, error, sizeof error);
    bool is_short = strstr(error, "not enough memory");
    if (!machine) complain("%s%s", error, is_short ? ": ask for less with -m, or raise the limit (ulimit -v)" : "");
    if (machine && options->tier != 1) compile_begin(options, machine);
    return machine;
}

// The past is kept where somebody can ask for it; at most an eighth of the host's memory, unless more was asked for.
static uint64_t history_bytes(const struct options *o) {
    enum { USUAL = 512 << 20, PART_OF_HOST = 8 };
    bool asked = o->stopped || o->stops_at_end || o->script || *o->gdb || o->monitor == MONITOR_UNIX ||
                 o->monitor == MONITOR_STDIO;
    if (o->history_bytes != UINT64_MAX) return o->history_bytes;
    if (!asked && !terminal_is_person(TERMINAL_INPUT)) return 0;
    uint64_t most = limits_memory_bytes() / PART_OF_HOST;
    return most < USUAL ? most : USUAL;
}

static bool begin_history(struct run *run) {
    uint64_t bytes = history_bytes(run->options);
    if (!bytes && !run->options->recording) return true;
    run->timeline = timeline_new(run->machine, bytes);
    if (run->timeline) timeline_set_packer(run->timeline, packed_by_zstd_in_memory());
    if (run->timeline) workers_serve(run);
    return run->timeline || complain("not enough memory to keep the past; -history 0 does without");
}

// The machine exists and is loaded: run it and tell what was asked for.
static enum status run_loaded(struct options *options, struct console *console, struct machine *machine,
                              struct snapshot **moved) {
    struct run run = {.options = options, .machine = machine, .console = console, .hashed_step = UINT64_MAX};
    if (!begin_history(&run) || !replay_begin(&run) || !record_open(&run)) {
        record_close(&run, NULL);
        timeline_free(run.timeline);
        return STATUS_HOST_ERROR;
    }
    struct stopwatch begin = stopwatch_now();
    progress_begin(&run.progress);
    if (terminal_is_person(TERMINAL_OUTPUT)) console->output[0].progress = &run.progress;
    signals_set_machine(machine);
    terminal_open(console->stdin_port >= 0);
    struct monitor monitor;
    monitor_init(&monitor, &run);
    struct screen screen;
    screen_open(&screen, &run);
    enum status status = monitor_drive(&monitor);
    screen_close(&screen);
    terminal_close();
    signals_set_machine(NULL);
    if (options->stats) stats_print(&run, begin);
    monitor_free(&monitor);
    timeline_free(run.timeline);
    *moved = run.moved; // what it begins with after a reset lies there
    console->output[0].progress = NULL;
    progress_end();
    return status;
}

// A pipe is for one of the two; a person's keys are for whichever has the terminal.
static bool monitor_reads(const struct options *o) {
    return o->monitor == MONITOR_STDIO || (o->stopped && o->monitor == MONITOR_KEY);
}

static bool plan_console(struct console *console, const struct options *o) {
    const struct console_wish wish = {.serial = o->serial,
                                      .serial_ports = o->machine.serial_ports,
                                      .debug = o->debug_console,
                                      .keys = !monitor_reads(o) || terminal_is_person(TERMINAL_INPUT)};
    console_plan(console, &wish);
    return files_claim_streams(console->stdin_port >= 0 || monitor_reads(o),
                               console_uses_output(console) || monitor_reads(o) || o->script);
}

static bool read_inputs(struct boot *boot, struct options *options) {
    if (*options->replay) return !options->script || file_read(&options->script_file, options->script);
    const struct boot_wish wish = {options->kernel, options->initrd, options->append, options->protocol,
                                   options->machine.ram_bytes};
    return (options->loadvm || options->incoming || !options->kernel || boot_open(boot, &wish)) &&
           (!options->script || file_read(&options->script_file, options->script));
}

static bool begin_as_recorded(const struct options *options, struct machine *machine) {
    char error[500];
    return recording_start(options->recording, machine, packed_by_zstd(), error, sizeof error) ||
           complain("-replay %s: %s", options->replay, error);
}

// What the machine begins with: a kernel, a snapshot, or what a recording began with.
static bool load(struct boot *boot, struct snapshot_file *from, const struct options *options,
                 struct machine *machine) {
    if (options->recording) return begin_as_recorded(options, machine);
    if (options->loadvm || options->incoming)
        return moved_load(from, options, machine) && media_follow(options->images, machine);
    return !options->kernel || boot_load(boot, machine);
}

// The machine, with all that it begins with; one that comes in may break off on its way, and another one come.
static struct machine *make_loaded(struct boot *boot, struct snapshot_file *from, struct options *options,
                                   const struct machine_config *said, struct console *console) {
    for (;;) {
        struct machine *machine = make_machine(options, console);
        if (machine && load(boot, from, options, machine)) return machine;
        if (machine) machine_free(machine);
        if (!machine || !moved_again(from, options, said) || !plan_console(console, options)) return NULL;
    }
}

// What is written is opened after everything that is read, and after all that can be refused without it.
static enum status run_options(struct options *options) {
    struct console console = {.outputs = 0};
    struct boot boot = {0};
    struct snapshot_file from = {0};
    struct snapshot *moved = NULL;
    struct machine *machine = NULL;
    enum status status = STATUS_HOST_ERROR;
    sandbox_prepare(options);
    bool comes = options->loadvm || options->incoming;
    const struct machine_config said = options->machine;
    bool opened = (!comes || moved_open(&from, options, &said)) && (!*options->replay || replay_read(options));
    if (opened && plan_console(&console, options) && read_inputs(&boot, options) &&
        (machine = make_loaded(&boot, &from, options, &said, &console)) && console_open(&console))
        status = run_loaded(options, &console, machine, &moved);
    if (opened) console_close(&console);
    if (machine) machine_free(machine);
    if (options->images) images_close(options->images);
    boot_close(&boot);
    snapshot_file_close(&from);
    snapshot_free(moved);
    replay_free(options);
    sandbox_leave();
    return status;
}

static enum status run(int argc, char **argv) {
    static struct options options;
    switch (options_parse(&options, argc, argv)) {
    case PARSED_DONE: return say_all() ? STATUS_DONE : STATUS_HOST_ERROR;
    case PARSED_WRONG: return STATUS_HOST_ERROR;
    case PARSED_RUN: break;
    }
    enum status status = run_options(&options);
    for (unsigned i = 0; i < options.machine.files; i++) file_free(&options.file[i]);
    file_free(&options.script_file);
    return status;
}

int main(int argc, char **argv) {
    files_hold_streams();
    signals_open();
    if (!limits_fit(STACK_LEAST)) return STATUS_HOST_ERROR;
    enum status status = run(argc, argv);
    if (signals_ending()) signals_die(signals_ending());
    return written_all() ? (int)status : STATUS_HOST_ERROR;
}
