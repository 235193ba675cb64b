// The monitor's commands: each is one row of command.def and one function.
#ifndef MONITOR_COMMAND_H
#define MONITOR_COMMAND_H
#include "monitor/host/output.h"
#include "monitor/program/run.h"

struct symbols;
struct history;
struct stops;
struct trace;

enum { MONITOR_VALUES = 64 };

// What the command line talks to, and what it remembers.
struct monitor {
    struct run *run;
    struct machine *machine;
    struct output output;
    struct symbols *symbols;
    struct stops *stops;
    struct trace *traces;            // going on
    struct history *history;         // of VT-x, since the first prompt
    struct gdb *gdb;                 // NULL: nobody listens for it
    int listener, client;            // sockets of -monitor unix:PATH; -1: none
    unsigned processor;              // the one looked at
    int level;                       // looked at where none is named; -1: the one that runs
    uint64_t values[MONITOR_VALUES]; // printed by p: $1, $2, ... are values[n % MONITOR_VALUES]
    unsigned value_count;
    uint64_t next_address; // where x and disas go on
    char x_format[8];      // of the last x
    struct listing {
        char *path; // NULL: nothing was listed yet
        const char *shown;
        unsigned next; // line where list goes on,
        uint64_t step; // unless something ran since
    } listing;
    uint64_t altered;      // writes to the machine so far,
    uint64_t altered_step; // and the step of the first
    unsigned errors;       // commands that failed
    unsigned resets;       // of the run that the user was told of
    bool may_run;          // the guest is ours to run: false when gdb drives it
    bool leave;            // quit was said
    bool in_list;          // a stop's commands are carried out: continue only says go_on
    bool go_on;
    unsigned collecting; // number of the stop whose commands are being read; 0: none
    bool resume;         // leave the prompt, and let the guest run
    char *repeat;        // what Enter alone repeats; NULL: nothing
};

enum command_group { RUNNING, STOPS, LOOKING, VTX, CHANGING, SYMBOLS, TRACING, MONITOR };
enum command_flags {
    NONE = 0,
    RUNS = 1 /* lets the guest run */,
    REPEATS = 2 /* Enter alone does it again */,
    FOLLOWS = 4 /* Enter: what follows */
};

// `arguments` is what follows the name, without spaces at either end. False after monitor_error.
typedef bool command_fn(struct monitor *monitor, const char *arguments);
#define COMMAND(group, name, arguments, function, flags, help) command_fn command_##function;
#define ALIAS(short, line)
#include "monitor/commands/command.def"
#undef COMMAND
#undef ALIAS

struct command {
    enum command_group group;
    const char *name, *arguments;
    command_fn *function;
    unsigned flags;
    const char *help;
};
// NULL past the last row.
const struct command *command_at(unsigned index);

void monitor_init(struct monitor *monitor, struct run *run);
void monitor_free(struct monitor *monitor);
// Carries out one line, and writes what it prints. False: it failed; one line has said why.
bool monitor_command(struct monitor *monitor, const char *line);
// The run from its first step to its end, with a prompt where one is asked for.
enum status monitor_drive(struct monitor *monitor);

// --- for the functions of commands ---
// One line that says what, where and what to do. Returns false.
bool monitor_error(struct monitor *monitor, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define print(monitor, ...) output_print(&(monitor)->output, PLAIN, __VA_ARGS__)
#define print_in(monitor, colour, ...) output_print(&(monitor)->output, colour, __VA_ARGS__)
// Takes the next word off; false at the end. A word too long for `size` is an error of its own: it is cut off.
bool take_word(const char **text, char *word, size_t size);
// Whether the word is `name` or, from `least` letters on, the beginning of it.
bool word_is(const char *word, const char *name, size_t least);
// The processor that is looked at.
struct cpu *monitor_cpu(const struct monitor *monitor);
// The n-th part of the machine's state of that name (machine_part); NULL: none.
const void *monitor_part(const struct monitor *monitor, const char *name, unsigned n);
// The machine is about to be changed by hand.
void monitor_alters(struct monitor *monitor);

#endif
