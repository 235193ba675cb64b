// The run under the monitor; see drive.h. Without -S and -x nothing of this is noticed until Ctrl-A c.
#include "devices/machine/machine_observe.h"
#include "monitor/commands/drive.h"
#include "monitor/gdb/gdb_drive.h"
#include "monitor/explain/history.h"
#include "cpu/state/cpu.h"
#include "monitor/commands/prompt.h"
#include "monitor/host/socket.h"
#include "monitor/host/status.h"
#include "monitor/stops/stops.h"
#include "monitor/symbols/symbols.h"
#include "monitor/host/terminal.h"
#include "monitor/trace/trace.h"
#include "monitor/commands/where.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// --- letting go ---

// What the monitor prints begins on a line of its own.
static void come_back(struct monitor *monitor) {
    struct console_output *output = &monitor->run->console->output[0];
    console_flush(monitor->run->console);
    progress_clear(&monitor->run->progress);
    if (output->in_line && !monitor->output.write) print(monitor, "\n");
    output->in_line = false;
}

// The guest has the terminal, or the monitor.
void drive_running(struct monitor *monitor, bool on) {
    if (on)
        output_flush(&monitor->output);
    else
        come_back(monitor);
    terminal_interrupt_asks(true);
    terminal_prompt(!on);
    if (!on) drive_follow(monitor);
}

static void tell_reset(struct monitor *monitor) {
    const struct run *run = monitor->run;
    unsigned times = run->resets - monitor->resets;
    monitor->resets = run->resets;
    if (times) print_in(monitor, RED, "The machine was reset: %s.", run->reset_text);
    if (times > 1) print(monitor, " That was the last of %u times.", times);
    if (times) print(monitor, "\n");
}

static void tell_over(struct monitor *monitor, bool was_over) {
    tell_reset(monitor);
    if (!monitor->run->over) return;
    if (was_over)
        monitor_error(monitor, "The run is over: %s.", monitor->run->over_text);
    else
        print(monitor, "The run is over: %s.\n", monitor->run->over_text);
}

enum run_event drive_step(struct monitor *monitor) {
    bool was_over = monitor->run->over;
    enum run_event event = run_until(monitor->run, machine_steps(monitor->machine) + 1);
    tell_over(monitor, was_over);
    return event;
}

enum run_event drive_until(struct monitor *monitor, uint64_t step) {
    bool was_over = monitor->run->over;
    stops_begin(monitor);
    machine_pass_points(monitor->machine, machine_turn(monitor->machine));
    drive_running(monitor, true);
    enum run_event event = run_until(monitor->run, step);
    drive_running(monitor, false);
    tell_over(monitor, was_over);
    return event;
}

void drive_follow(struct monitor *monitor) {
    monitor->processor = machine_turn(monitor->machine);
    monitor->level = -1;
}

bool drive_stopped(struct monitor *monitor, enum run_event event) {
    for (;; event = drive_until(monitor, UINT64_MAX)) {
        if (event == RUN_OVER) return false;
        if (event == RUN_ASKED) print_in(monitor, CYAN, "Interrupted.\n");
        stops_report(monitor);
        where_print(monitor);
        if (!stops_carry_out(monitor)) return true;
    }
}

// --- the whole run ---

static bool starts_stopped(const struct options *o) { return (o->stopped && !*o->gdb) || o->monitor == MONITOR_STDIO; }

// The guest is stopped, and someone looks at it. Whether it is to run on.
static bool at_prompt(struct monitor *monitor) {
    history_watch(monitor);
    bool person = isatty(STDIN_FILENO) && monitor->run->options->monitor != MONITOR_UNIX;
    if (monitor->client >= 0 || (monitor->listener >= 0 && !person)) return socket_serve(monitor, true);
    terminal_interrupt_asks(true);
    terminal_prompt(true);
    drive_follow(monitor);
    tell_reset(monitor);
    where_print(monitor);
    output_flush(&monitor->output);
    prompt_loop(monitor);
    return monitor->resume;
}

// The guest has the terminal to itself. Whether the prompt is wanted now.
static bool serve_run(struct monitor *monitor) {
    enum run_event event;
    bool over = false;
    do {
        stops_begin(monitor);
        monitor->run->monitored = false;
        event = run_until(monitor->run, UINT64_MAX);
        progress_clear(&monitor->run->progress);
        monitor->run->monitored = true;
        over = event == RUN_OVER;
        if (event != RUN_CAUGHT) break;
        drive_follow(monitor);
        stops_report(monitor);
    } while (stops_carry_out(monitor));
    return !over;
}

// Runs, and gives the prompt when it is asked for, until the run is over or left.
static void serve(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    bool stopped = starts_stopped(o);
    if (o->stopped && *o->gdb && !stopped) gdb_drive_serve(monitor, true);
    while (!monitor->leave && !terminal_left() && !terminal_signal()) {
        if (stopped && !at_prompt(monitor)) break;
        terminal_prompt(false);
        terminal_interrupt_asks(false);
        if (monitor->leave || !serve_run(monitor)) break;
        stopped = !gdb_drive_serve(monitor, false) && o->monitor != MONITOR_NONE;
    }
}

static enum status status_of(struct monitor *monitor) {
    enum status status = run_end(monitor->run);
    if (monitor->altered)
        complain("the run was altered by hand: %" PRIu64 " time%s, first at step %" PRIu64, monitor->altered,
                 monitor->altered == 1 ? "" : "s", monitor->altered_step);
    bool scripted = monitor->run->options->script || !isatty(STDIN_FILENO);
    return status == STATUS_DONE && monitor->errors && scripted ? STATUS_HOST_ERROR : status;
}

static bool anyone_asks(void *context) {
    struct monitor *monitor = context;
    return (monitor->gdb && gdb_asks(monitor->gdb)) || socket_asks(monitor);
}

// For gdb and for clients of the monitor's socket.
static bool open_doors(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    if (!gdb_drive_open(monitor)) return false;
    if (o->monitor == MONITOR_UNIX && !socket_open(monitor, o->monitor_path)) return false;
    monitor->run->asks = monitor->gdb || monitor->listener >= 0 ? anyone_asks : NULL;
    monitor->run->asks_context = monitor;
    return true;
}

static bool start_traces(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    print(monitor, "vmxray: ");
    for (unsigned i = 0; i < o->traces; i++) {
        if (trace_start(monitor, o->trace[i])) continue;
        monitor->output.fd = STDERR_FILENO;
        output_flush(&monitor->output);
        return false;
    }
    monitor->output.used = 0;
    return true;
}

enum status monitor_drive(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    bool script_failed = !start_traces(monitor);
    if (isatty(STDOUT_FILENO)) {
        const char *plain = getenv("NO_COLOR");
        monitor->output.colour = !plain || !*plain;
        monitor->output.pages = isatty(STDIN_FILENO);
    }
    monitor->run->monitored = starts_stopped(o) || o->script;
    if (o->script && !script_failed) {
        history_watch(monitor);
        terminal_prompt(true);
        script_failed = !prompt_script(monitor, o->script);
        output_flush(&monitor->output);
    }
    // Not before: gdb does not wait long for an answer.
    if (!script_failed && !monitor->run->over) {
        script_failed = !open_doors(monitor);
        if (!script_failed) serve(monitor);
    }
    prompt_close();
    socket_close(monitor);
    gdb_drive_close(monitor);
    if (!trace_end(monitor)) script_failed = true;
    enum status status = status_of(monitor);
    return script_failed ? STATUS_HOST_ERROR : status;
}

void monitor_free(struct monitor *monitor) {
    stops_free(monitor);
    history_free(monitor);
    symbols_free(monitor);
    output_free(&monitor->output);
    free(monitor->listing.path);
    free(monitor->repeat);
    monitor->repeat = NULL;
}
