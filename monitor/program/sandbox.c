// The jail of a run; see sandbox.h.
#include "monitor/program/sandbox.h"
#include "monitor/host/status.h"
#include "monitor/host/terminal.h"
#include "monitor/jail/jail.h"
#include "monitor/jail/launcher.h"

static bool may_have_commands(const struct options *o) { return o->monitor != MONITOR_NONE || o->script || *o->gdb; }

static bool has_person(void) { return terminal_is_person(TERMINAL_INPUT) && terminal_is_person(TERMINAL_OUTPUT); }

static bool has_terminal(void) {
    return terminal_is_person(TERMINAL_INPUT) || terminal_is_person(TERMINAL_OUTPUT) ||
           terminal_is_person(TERMINAL_ERRORS);
}

static bool writes(const struct options *o) {
    bool any = *o->record.path || o->traces || o->reports || o->debug_console.kind == CHANNEL_FILE;
    for (unsigned i = 0; i < MACHINE_SERIAL_PORTS; i++) any |= o->serial[i].kind == CHANNEL_FILE;
    return any;
}

static unsigned uses_of_window(const struct options *o) {
    if (o->screen != SCREEN_SDL) return 0;
    return JAIL_WINDOW | (may_have_commands(o) ? 0 : JAIL_WINDOW_ALONE);
}

static unsigned uses_of(const struct options *o) {
    bool edits = has_person() && (o->monitor == MONITOR_KEY || o->monitor == MONITOR_STDIO);
    bool has_door = o->monitor == MONITOR_UNIX || *o->gdb;
    return JAIL_BASE | (has_terminal() ? JAIL_TERMINAL : 0) | (writes(o) ? JAIL_WRITES : 0) |
           (may_have_commands(o) ? JAIL_COMMANDS : 0) | (edits ? JAIL_EDITOR : 0) | (has_door ? JAIL_DOOR : 0) |
           (*o->record.path || may_have_commands(o) ? JAIL_BEHIND : 0) | uses_of_window(o) |
           (launcher_is_open() ? JAIL_LAUNCHER : 0) | (o->machine.drives || may_have_commands(o) ? JAIL_DISKS : 0);
}

// Threads that search the past, and those that write a recording, come and go.
static unsigned uses_of_threads(const struct options *o) { return may_have_commands(o) ? JAIL_THREADS : 0; }

// What commands print goes through the pager where a person reads; and the machine may move to another process.
void sandbox_prepare(const struct options *options) {
    for (unsigned i = 0; i < options->migrations; i++) (void)launcher_allow(options->migrate_to[i]);
    if (may_have_commands(options) && (has_person() || options->migrations)) (void)launcher_open();
}

void sandbox_enter(const struct options *options) {
    char why[200];
    if (options->sandbox == SANDBOX_OFF ||
        jail_close(uses_of(options) | uses_of_threads(options), STATUS_JAIL, why, sizeof why))
        return;
    if (options->sandbox == SANDBOX_ON) complain("-sandbox on: %s; the run goes on without the jail", why);
}

void sandbox_leave(void) { launcher_close(); }

bool sandbox_has_commands(const struct options *options) { return may_have_commands(options); }
