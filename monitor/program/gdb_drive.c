// What the gdb server needs of the program: the run, the monitor's commands, the ways to leave. See gdb.h.
#include "devices/history/timeline.h"
#include "monitor/files/signals.h"
#include "monitor/program/gdb_drive.h"
#include "monitor/drive/back.h"
#include "devices/machine/machine_observe.h"
#include "monitor/host/status.h"
#include "monitor/stops/stops.h"
#include "monitor/host/terminal.h"
#include "vmx/vmcs/vmx.h"
#include <stdlib.h>
#include <string.h>

static enum gdb_ran run(void *context, uint64_t steps) {
    struct monitor *monitor = context;
    uint64_t step = machine_steps(monitor->look.machine);
    stops_begin(monitor);
    monitor->run->stops_at_end = true;
    enum run_event event = run_until(monitor->run, steps > UINT64_MAX - step ? UINT64_MAX : step + steps);
    monitor->run->stops_at_end = false;
    switch (event) {
    case RUN_TARGET: return monitor->run->came_to_end ? GDB_CAME_TO_END : GDB_RAN;
    case RUN_OVER: return monitor->run->options->stops_at_end ? GDB_CAME_TO_END : GDB_OVER;
    case RUN_ENDS: return GDB_CAME_TO_END;
    case RUN_ASKED: return gdb_asks(monitor->gdb) ? GDB_RAN : GDB_STOPPED; // else it was Ctrl-A c
    default: return GDB_STOPPED;
    }
}

static enum gdb_back came_back(enum run_event event) {
    (void)signals_asked();
    return event == RUN_CAUGHT ? GDB_BACK_STOPPED : event == RUN_TARGET ? GDB_BACK_BEGINNING : GDB_BACK_INTERRUPTED;
}
static enum gdb_back back(void *context, const struct gdb_reason *reason) {
    const struct back_also also = {reason->whom, reason->forget, reason->keep, reason->recall};
    return came_back(back_to_stop(context, &also));
}

// What an instruction of a guest has to be attempted again for, an EPT violation of its fetch, say, has not moved it:
// the attempts are one step of gdb's. Not so where nothing else ran in between, as in a loop of one instruction.
static enum gdb_back back_step(void *context, unsigned level, unsigned processor) {
    enum { ATTEMPTS = 16 };
    struct monitor *monitor = context;
    const struct cpu *cpu = machine_cpu(monitor->look.machine, processor);
    enum run_event event = RUN_CAUGHT;
    bool again = true;
    for (unsigned i = 0; again && i < ATTEMPTS; i++) {
        uint64_t gpr[16], rip = cpu->rip, step = machine_steps(monitor->look.machine);
        bool here = level && vmx_level(cpu) == level;
        memcpy(gpr, cpu->gpr, sizeof gpr);
        event = back_to_level(monitor, level, processor);
        again = here && event == RUN_CAUGHT && cpu->rip == rip && memcmp(gpr, cpu->gpr, sizeof gpr) == 0 &&
                step - machine_steps(monitor->look.machine) > 1;
    }
    return came_back(event);
}

static bool leave(void *context) {
    struct monitor *monitor = context;
    return monitor->prompt.leave || terminal_left() || signals_ending();
}

static void kill_run(void *context) {
    struct monitor *monitor = context;
    monitor->prompt.leave = true;
}

static void altered(void *context) { monitor_alters(context); }

static const char *fixed(void *context) {
    const struct monitor *monitor = context;
    const struct timeline *past = monitor->run->timeline;
    if (past && timeline_in_past(past))
        return "the past cannot be changed; monitor branch makes this moment the present";
    if (past && timeline_expects(past))
        return "a replay cannot be changed; monitor branch makes this moment the present";
    return NULL;
}

static void command(void *context, const char *line, void (*write)(void *to, const char *text, size_t bytes),
                    void *to) {
    struct monitor *monitor = context;
    struct output gdbs = {.write = write, .context = to};
    struct output *before = monitor_print_to(monitor, &gdbs);
    monitor->letting_go.may_run = false;
    monitor->look.processor = machine_turn(monitor->look.machine);
    (void)monitor->carry_out(monitor, line);
    signals_interrupt_asks(false); // who goes through the past has the terminal meanwhile
    terminal_prompt(false);
    monitor->letting_go.may_run = true;
    monitor_print_to(monitor, before);
    output_free(&gdbs);
}

static void caught(void *context, void (*write)(void *to, const char *text, size_t bytes), void *to) {
    struct monitor *monitor = context;
    struct output gdbs = {.write = write, .context = to};
    if (!stops_caught(monitor)) return;
    struct output *before = monitor_print_to(monitor, &gdbs);
    stops_report(monitor);
    stops_spend(monitor);
    output_flush(&gdbs);
    monitor_print_to(monitor, before);
    output_free(&gdbs);
}

// Whoever asks for port 0 gets one that is free, and must be told which.
static void tell_port(const struct gdb *gdb, const char *where) {
    const char *colon = strrchr(where, ':');
    if (strncmp(where, "tcp:", 4) == 0 && strtoul(colon + 1, NULL, 0) == 0)
        complain("-gdb %.*s:%u: waits there for gdb", (int)(colon - where), where, gdb_port(gdb));
}

bool gdb_drive_open(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    const struct gdb_host host = {.context = monitor,
                                  .machine = monitor->look.machine,
                                  .run = run,
                                  .back = monitor->run->timeline ? back : NULL,
                                  .back_step = monitor->run->timeline ? back_step : NULL,
                                  .leave = leave,
                                  .kill = kill_run,
                                  .command = command,
                                  .caught = caught,
                                  .altered = altered,
                                  .fixed = fixed};
    char error[300];
    if (!*o->gdb) return true;
    monitor->gdb = gdb_open(o->gdb, &host, error, sizeof error);
    if (!monitor->gdb) return complain("%s", error);
    return true;
}

bool gdb_drive_listen(struct monitor *monitor) {
    const struct options *o = monitor->run->options;
    char why[200];
    if (!monitor->gdb) return true;
    if (!gdb_listen(monitor->gdb, why, sizeof why)) return complain("-gdb %s: %s", o->gdb, why);
    tell_port(monitor->gdb, o->gdb);
    return true;
}

void gdb_drive_close(struct monitor *monitor) {
    if (monitor->gdb) gdb_close(monitor->gdb);
    monitor->gdb = NULL;
    monitor->run->asks = NULL;
}

bool gdb_drive_serve(struct monitor *monitor, bool wait) {
    if (!monitor->gdb || (!wait && !gdb_asks(monitor->gdb))) return false;
    signals_interrupt_asks(false);
    terminal_prompt(false);
    gdb_serve(monitor->gdb, wait);
    return true;
}
