// The table of commands: each is one row of command.def and one function.
#ifndef MONITOR_COMMAND_H
#define MONITOR_COMMAND_H
#include "monitor/session/monitor.h"

enum command_group { RUNNING, PAST, STOPS, LOOKING, VTX, CHANGING, SYMBOLS, TRACING, MONITOR };
enum command_flags {
    NONE = 0,
    RUNS = 1 /* lets the guest run */,
    REPEATS = 2 /* Enter alone does it again */,
    FOLLOWS = 4 /* Enter: what follows */
};

struct command {
    enum command_group group;
    const char *name, *arguments;
    command_fn *function;
    unsigned flags;
    const char *help;
};
// NULL past the last row.
const struct command *command_at(unsigned index);
const char *command_group_name(enum command_group group);
// The n-th other word for it; NULL: there are no more.
const char *command_alias(unsigned n, const struct command *command);

// Carries out one line, and writes what it prints. False: it failed; one line has said why.
bool monitor_command(struct monitor *monitor, const char *line);

#endif
