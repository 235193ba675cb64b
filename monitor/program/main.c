// vmxray, the program: reads the command line, loads a kernel into a machine, runs it.
#include "monitor/load/load.h"
#include "monitor/program/serve.h"
#include "monitor/program/stats.h"
#include "monitor/host/terminal.h"
#include <stdlib.h>

static struct machine *make_machine(struct options *options, struct console *console) {
    char error[200];
    console_connect(console, &options->machine);
    struct machine *machine = machine_new(&options->machine, error, sizeof error);
    if (!machine) complain("%s", error);
    return machine;
}

// The machine exists and is loaded: run it and tell what was asked for.
static enum status run_loaded(struct options *options, struct console *console, struct machine *machine) {
    struct run run = {.options = options, .machine = machine, .console = console, .hashed_step = UINT64_MAX};
    struct stopwatch begin = stopwatch_now();
    progress_begin(&run.progress);
    if (terminal_is_person(TERMINAL_OUTPUT)) console->output[0].progress = &run.progress;
    terminal_open(machine, console->stdin_port >= 0);
    struct monitor monitor;
    monitor_init(&monitor, &run);
    enum status status = monitor_drive(&monitor);
    terminal_close();
    if (options->stats) stats_print(&run, begin);
    monitor_free(&monitor);
    console->output[0].progress = NULL;
    return status;
}

static bool open_console(struct console *console, const struct options *o) {
    // A pipe is for one of the two; a person's keys are for whichever has the terminal.
    bool monitor_reads = o->monitor == MONITOR_STDIO || (o->stopped && o->monitor == MONITOR_KEY);
    const struct console_wish wish = {.serial = o->serial,
                                      .serial_ports = o->machine.serial_ports,
                                      .debug = o->debug_console,
                                      .keys = !monitor_reads || terminal_is_person(TERMINAL_INPUT)};
    return console_open(console, &wish);
}

static enum status run_options(struct options *options) {
    struct console console;
    struct boot boot = {0};
    struct machine *machine = NULL;
    enum status status = STATUS_HOST_ERROR;
    if (open_console(&console, options) && boot_open(&boot, options->kernel, options->initrd, options->append) &&
        (machine = make_machine(options, &console)) && boot_load(&boot, machine))
        status = run_loaded(options, &console, machine);
    console_close(&console);
    if (machine) machine_free(machine);
    boot_close(&boot);
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    switch (options_parse(&options, argc, argv)) {
    case PARSED_DONE: return say_all() ? STATUS_DONE : STATUS_HOST_ERROR;
    case PARSED_WRONG: return STATUS_HOST_ERROR;
    case PARSED_RUN: break;
    }
    enum status status = run_options(&options);
    for (unsigned i = 0; i < options.machine.files; i++) file_free(&options.file[i]);
    if (terminal_signal()) terminal_raise(terminal_signal());
    return (int)status;
}
