// Commands: finding the row of a line, carrying it out, and the help text that the rows hold.
#include "monitor/commands/command.h"
#include "cpu/state/cpu.h"
#include "devices/history/timeline.h"
#include "monitor/drive/marks.h"
#include "monitor/expression/expression.h"
#include "monitor/host/parse.h"
#include "monitor/show/names.h"
#include "monitor/stops/stops.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command commands[] = {
#define COMMAND(group, name, arguments, function, flags, help)                                                         \
    {group, name, arguments, command_##function, flags, help},
#define ALIAS(short, line)
#include "monitor/session/command.def"
#undef COMMAND
#undef ALIAS
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct {
    const char *word, *line;
} aliases[] = {
#define COMMAND(group, name, arguments, function, flags, help)
#define ALIAS(short, line) {short, line},
#include "monitor/session/command.def"
#undef COMMAND
#undef ALIAS
};

const char *command_group_name(enum command_group group) {
    static const char *const names[] = {"Running",  "The past", "Stops",   "Looking", "VT-x",
                                        "Changing", "Symbols",  "Tracing", "Other"};
    return names[group];
}

const char *command_alias(unsigned n, const struct command *command) {
    for (unsigned i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].line, command->name) == 0 && n-- == 0) return aliases[i].word;
    return NULL;
}

const struct command *command_at(unsigned index) { return index < COMMANDS ? &commands[index] : NULL; }

// --- finding ---

// The row of that name, or the only one that begins so. NULL after an error.
static const struct command *find(struct monitor *monitor, const char *word) {
    const struct command *found = NULL, *other = NULL, *nearest = NULL;
    unsigned best = PARSE_FAR, distance;
    for (unsigned i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].word, word) == 0) word = aliases[i].line;
    for (const struct command *c = commands; c < commands + COMMANDS; c++) {
        if (strcmp(c->name, word) == 0) return c;
        if ((distance = parse_distance(word, c->name)) < best) {
            best = distance;
            nearest = c;
        }
        if (strncmp(c->name, word, strlen(word)) != 0) continue;
        other = found;
        found = found ? found : c;
        if (other) break;
    }
    if (found && !other) return found;
    if (found) {
        char text[300] = "";
        for (const struct command *c = commands; c < commands + COMMANDS; c++)
            if (strncmp(c->name, word, strlen(word)) == 0 && strlen(text) + strlen(c->name) + 3 < sizeof text)
                strcat(strcat(text, *text ? ", " : ""), c->name);
        monitor_error(monitor, "%s could be %s", word, text);
    } else if (nearest) {
        monitor_error(monitor, "%s: no such command; did you mean %s? (help lists all)", word, nearest->name);
    } else {
        monitor_error(monitor, "%s: no such command (help lists all)", word);
    }
    return NULL;
}

// --- carrying out ---

static void remember(struct monitor *monitor, const struct command *command, const char *line) {
    char *again = command->flags & REPEATS ? strdup(line) : command->flags & FOLLOWS ? strdup(command->name) : NULL;
    free(monitor->prompt.repeat);
    monitor->prompt.repeat = again;
}

// The name ends at a space, or where the format of x/10i begins.
static bool run_line(struct monitor *monitor, const char *line) {
    char word[64], arguments[2048];
    const char *whole = line;
    size_t length = strcspn(line, " \t/");
    snprintf(word, sizeof word, "%.*s", (int)length, line);
    line += length;
    line += strspn(line, " \t");
    snprintf(arguments, sizeof arguments, "%s", line);
    for (size_t end = strlen(arguments); end && isspace((unsigned char)arguments[end - 1]);) arguments[--end] = '\0';
    const struct command *command = find(monitor, word);
    if (!command) return false;
    if (command->flags & RUNS && command->group != PAST && !monitor->letting_go.may_run)
        return monitor_error(monitor, "%s: gdb runs the guest now; use gdb's own commands", command->name);
    if (command->flags & RUNS && monitor->letting_go.in_list && command->function != command_continue)
        return monitor_error(monitor,
                             "%s: of the commands that run the guest, continue is the only one that a list may have",
                             command->name);
    struct timeline *past = monitor->run->timeline;
    if (command->group == CHANGING && past && timeline_in_past(past))
        return monitor_error(monitor, "%s: the past cannot be changed; branch makes this moment the present",
                             command->name);
    if (command->group == CHANGING && past && timeline_expects(past))
        return monitor_error(monitor, "%s: a replay cannot be changed; branch makes this moment the present",
                             command->name);
    remember(monitor, command, whole);
    if (!*command->arguments && *arguments)
        return monitor_error(monitor, "%s takes no arguments: %s", command->name, command->help);
    if (!(command->flags & RUNS) || command->function == command_undo) return command->function(monitor, arguments);
    struct position before;
    machine_position(monitor->look.machine, &before);
    bool done = command->function(monitor, arguments);
    marks_note_move(monitor, &before);
    return done;
}

bool monitor_command(struct monitor *monitor, const char *line) {
    bool done = true, was_over = monitor->run->over;
    names_again(monitor);
    line += strspn(line, " \t");
    if (monitor->prompt.collecting) {
        stops_collect(monitor, line);
        output_flush(monitor->output);
        return true;
    }
    if (*line && *line != '#' && *line != '\n') done = run_line(monitor, line);
    bool ended = monitor->run->over && !was_over; // that a run ends is no error of the command that ran it
    if (!done && !ended) monitor->prompt.errors++;
    console_flush(monitor->run->console);
    output_flush(monitor->output);
    return done;
}

// --- help ---

// The first sentence.
static int summary_length(const char *help) {
    size_t length = 0;
    while (help[length] && !(help[length] == '.' && (!help[length + 1] || strchr(" \n", help[length + 1])))) length++;
    return (int)length + (help[length] == '.');
}

// With what stands beside or below it still to come, at column `indent`.
static void print_name(struct monitor *monitor, const struct command *c, unsigned width, unsigned indent) {
    print(monitor, "  %-10s ", c->name);
    output_wrap(monitor->output, 13, 13, width, c->arguments);
    print(monitor, "%*s", (int)indent, "");
}

// What it does stands beside its name, or below where the name is long or the screen narrow.
static void print_row(struct monitor *monitor, const struct command *c) {
    enum { NAME = 10, BESIDE = 40, BELOW = 8, NARROW = 72 };
    unsigned width = output_width(monitor->output), indent = width < NARROW ? BELOW : BESIDE;
    int length = (int)strlen(c->name), left = BESIDE - 3 - (length > NAME ? length : NAME); // for the arguments
    bool below = (int)strlen(c->arguments) >= left || length > NAME + 2 || indent == BELOW;
    char *summary = strndup(c->help, (size_t)summary_length(c->help));
    if (below)
        print_name(monitor, c, width, indent);
    else
        print(monitor, "  %-*s %-*s", NAME, c->name, left, c->arguments);
    output_wrap(monitor->output, indent, indent, width, summary ? summary : "");
    free(summary);
}

static void print_list(struct monitor *monitor) {
    for (enum command_group group = RUNNING; group <= MONITOR; group++) {
        bool any = false;
        for (const struct command *c = commands; c < commands + COMMANDS; c++) {
            if (c->group != group) continue;
            if (!any) print_in(monitor, BOLD, "%s\n", command_group_name(group));
            any = true;
            print_row(monitor, c);
        }
    }
    print(monitor, "\n");
    output_wrap(monitor->output, 0, 0, output_width(monitor->output),
                "Enter repeats a step; names may be shortened; help COMMAND explains one, help expressions what EXPR "
                "can be.");
}

bool command_help(struct monitor *monitor, const char *arguments) {
    if (!*arguments) {
        print_list(monitor);
        return true;
    }
    if (strncmp(arguments, "expr", 4) == 0) {
        expression_help(&monitor->look);
        return true;
    }
    const struct command *command = find(monitor, arguments);
    if (!command) return false;
    print_in(monitor, BOLD, "%s", command->name);
    unsigned width = output_width(monitor->output), column = (unsigned)strlen(command->name) + 1;
    print(monitor, " ");
    output_wrap(monitor->output, column, column, width, command->arguments);
    output_wrap(monitor->output, 0, 0, width, command->help);
    const char *word;
    for (unsigned i = 0; (word = command_alias(i, command)); i++) print(monitor, "Also: %s\n", word);
    return true;
}
