// A whole run under the monitor; see serve.h. Without -S and -x nothing of it is noticed until Ctrl-A c.
#include "monitor/files/files.h"
#include "monitor/files/signals.h"
#include "monitor/files/written.h"
#include "monitor/program/serve.h"
#include "monitor/commands/command.h"
#include "monitor/commands/prompt.h"
#include "monitor/drive/marks.h"
#include "monitor/drive/drive.h"
#include "monitor/host/editor.h"
#include "monitor/host/terminal.h"
#include "monitor/show/names.h"
#include "monitor/report/report.h"
#include "monitor/session/record.h"
#include "monitor/session/replay.h"
#include "monitor/program/door.h"
#include "monitor/program/gdb_drive.h"
#include "monitor/program/sandbox.h"
#include "monitor/program/self_explain.h"
#include "monitor/show/where.h"
#include "monitor/stops/stops.h"
#include "monitor/symbols/symbols.h"
#include "monitor/trace/trace.h"
#include <inttypes.h>
#include <stdlib.h>

void monitor_init(struct monitor *monitor, struct run *run) {
    *monitor = (struct monitor){.screen.fd = OUTPUT_SCREEN,
                                .look = {.machine = run->machine, .level = -1},
                                .run = run,
                                .door.server = SERVER_NONE,
                                .letting_go.may_run = true,
                                .carry_out = monitor_command};
    monitor_print_to(monitor, &monitor->screen);
}

void monitor_free(struct monitor *monitor) {
    stops_free(monitor);
    marks_free(monitor);
    symbols_free(monitor->look.symbols);
    output_free(&monitor->screen);
    free(monitor->listing.path);
    free(monitor->prompt.repeat);
}

static bool starts_stopped(const struct options *o) { return (o->stopped && !*o->gdb) || o->monitor == MONITOR_STDIO; }

// The guest is stopped, and someone looks at it. Whether it is to run on.
static bool at_prompt(struct monitor *monitor) {
    bool person = terminal_is_person(TERMINAL_INPUT) && monitor->run->options->monitor != MONITOR_UNIX;
    if (monitor->door.server.client >= 0 || (monitor->door.server.listener >= 0 && !person))
        return door_serve(monitor, true);
    signals_interrupt_asks(true);
    terminal_prompt(true);
    drive_follow(monitor);
    drive_tell_reset(monitor);
    where_print(monitor);
    output_flush(monitor->output);
    prompt_loop(monitor);
    return monitor->prompt.resume;
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
        if (!over) drive_come_back(monitor);
        if (event == RUN_ENDS) drive_tell_end(monitor);
        if (event != RUN_CAUGHT) break;
        drive_follow(monitor);
        stops_report(monitor);
        reports_tell(monitor);
    } while (stops_carry_out(monitor));
    return !over;
}

// The run has ended, and was not left: its end can be looked at, and gone back from.
static bool looks_at_end(const struct monitor *monitor) {
    return monitor->run->options->stops_at_end && monitor->run->over && !monitor->prompt.leave && !terminal_left() &&
           !signals_ending();
}

static void tell_end(struct monitor *monitor) {
    drive_come_back(monitor);
    print(monitor, "The run is over: %s.\n", monitor->run->over_text);
}

// Runs, and gives the prompt when it is asked for, until the run is over or left.
static void serve(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    bool stopped = starts_stopped(o);
    if (o->stopped && *o->gdb && !stopped) gdb_drive_serve(monitor, true);
    while (!monitor->prompt.leave && !terminal_left() && !signals_ending()) {
        if (stopped && !at_prompt(monitor)) break;
        terminal_prompt(false);
        signals_interrupt_asks(false);
        if (monitor->prompt.leave) break;
        if (!serve_run(monitor)) {
            if (!looks_at_end(monitor)) break;
            tell_end(monitor);
            stopped = true;
            continue;
        }
        stopped = !gdb_drive_serve(monitor, false) && o->monitor != MONITOR_NONE;
    }
}

static enum status status_of(struct monitor *monitor) {
    enum status status = run_end(monitor->run);
    if (monitor->altered.count)
        complain("the run was altered by hand: %" PRIu64 " time%s, first at step %" PRIu64, monitor->altered.count,
                 monitor->altered.count == 1 ? "" : "s", monitor->altered.first_step);
    bool scripted = monitor->run->options->script || !terminal_is_person(TERMINAL_INPUT);
    return status == STATUS_DONE && monitor->prompt.errors && scripted ? STATUS_HOST_ERROR : status;
}

static bool anyone_asks(void *context) {
    struct monitor *monitor = context;
    return (monitor->gdb && gdb_asks(monitor->gdb)) || door_asks(monitor);
}

// For gdb and for clients of the monitor's socket. They come to nobody before let_in().
static bool open_doors(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    return gdb_drive_open(monitor) && (o->monitor != MONITOR_UNIX || door_open(monitor, o->monitor_path));
}

// Not before the script is done: gdb does not wait long for an answer.
static bool let_in(struct monitor *monitor) {
    if (!gdb_drive_listen(monitor) || !door_listen(monitor)) return false;
    monitor->run->asks = monitor->gdb || monitor->door.server.listener >= 0 ? anyone_asks : NULL;
    monitor->run->asks_context = monitor;
    return true;
}

// What the command line asks for as a command of the prompt would.
static bool start_all(struct monitor *monitor, unsigned count, const char *const *list,
                      bool (*start)(struct monitor *monitor, const char *what)) {
    print(monitor, "vmxray: -"); // what follows begins with the command's name
    for (unsigned i = 0; i < count; i++) {
        if (start(monitor, list[i])) continue;
        monitor->output->fd = OUTPUT_ERRORS;
        output_flush(monitor->output);
        return false;
    }
    monitor->output->used = 0;
    written_begin();
    return true;
}

enum status monitor_drive(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    files_at_prompt();
    bool script_failed = !open_doors(monitor) || !start_all(monitor, o->traces, o->trace, trace_start) ||
                         !start_all(monitor, o->reports, o->report, reports_begin);
    output_suit_person(monitor->output);
    monitor->run->monitored = starts_stopped(o) || o->script;
    struct self_explain *self = self_explain_begin(monitor);
    if (!script_failed) script_failed = !record_begin(monitor->run);
    if (sandbox_has_commands(o) && !o->kernel) names_begin(monitor); // of a recording: by a file in memory
    if (!script_failed) sandbox_enter(o);
    if (!script_failed) script_failed = !replay_go(monitor->run);
    if (o->script && !script_failed) {
        terminal_prompt(true);
        prompt_text(monitor, &o->script_file);
        output_flush(monitor->output);
    }
    if (!script_failed && !monitor->run->over) {
        script_failed = !let_in(monitor);
        if (!script_failed) serve(monitor);
    }
    self_explain_end(self);
    editor_close();
    door_close(monitor);
    gdb_drive_close(monitor);
    if (!trace_end(monitor)) script_failed = true;
    if (!reports_end(monitor)) script_failed = true;
    enum status status = status_of(monitor);
    return script_failed ? STATUS_HOST_ERROR : status;
}
