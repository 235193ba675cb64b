// Commands about the stops there are: enable, disable, delete, ignore, condition, commands.
#include "monitor/host/parse.h"
#include "monitor/stops/stops.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// The number of a stop: a plain one, so that what follows may begin with any operator.
static struct stop *take_stop(struct monitor *monitor, const char **arguments) {
    char word[32];
    uint64_t number;
    take_word(arguments, word, sizeof word);
    if (parse_number(word, &number)) return stop_find(monitor, number);
    monitor_error(monitor, "%s: not the number of a breakpoint (info breakpoints lists them)", word);
    return NULL;
}

typedef void each_fn(struct monitor *monitor, struct stop *stop);

// The stops whose numbers follow, or all.
static bool each(struct monitor *monitor, const char *arguments, each_fn *fn) {
    if (!*arguments) {
        struct stop *next, *stop = monitor->stops ? monitor->stops->first : NULL;
        for (; stop; stop = next) {
            next = stop->next;
            fn(monitor, stop);
        }
    }
    while (*arguments) {
        struct stop *stop = take_stop(monitor, &arguments);
        if (!stop) return false;
        fn(monitor, stop);
    }
    return true;
}

static void enable(struct monitor *monitor, struct stop *stop) { stop_enable(monitor, stop, true); }
static void disable(struct monitor *monitor, struct stop *stop) { stop_enable(monitor, stop, false); }

bool command_enable(struct monitor *monitor, const char *arguments) { return each(monitor, arguments, enable); }
bool command_disable(struct monitor *monitor, const char *arguments) { return each(monitor, arguments, disable); }
bool command_delete(struct monitor *monitor, const char *arguments) { return each(monitor, arguments, stop_delete); }

bool command_ignore(struct monitor *monitor, const char *arguments) {
    uint64_t count;
    struct stop *stop;
    if (!*arguments) return monitor_error(monitor, "ignore which? ignore NUMBER COUNT");
    if (!(stop = take_stop(monitor, &arguments))) return false;
    if (!*arguments) return monitor_error(monitor, "ignore %u how often? ignore NUMBER COUNT", stop->number);
    if (!take_value(&monitor->look, &arguments, &count) || !take_end(&monitor->look, arguments)) return false;
    stop->ignore = count;
    stop_describe(monitor, stop);
    return true;
}

bool command_condition(struct monitor *monitor, const char *arguments) {
    struct stop *stop;
    struct expression test;
    if (!*arguments) return monitor_error(monitor, "condition of which? condition NUMBER [EXPRESSION]");
    if (!(stop = take_stop(monitor, &arguments))) return false;
    const char *text = arguments;
    if (*text && (!expression_compile(&monitor->look, &text, &test) || !take_end(&monitor->look, text))) return false;
    free(stop->condition);
    stop->condition = *arguments ? strdup(arguments) : NULL;
    if (*arguments) stop->test = test;
    stop_describe(monitor, stop);
    return true;
}

bool command_commands(struct monitor *monitor, const char *arguments) {
    unsigned latest = monitor->stops ? monitor->stops->numbers : 0;
    struct stop *stop = *arguments ? take_stop(monitor, &arguments) : stop_find(monitor, latest);
    if (!stop || !take_end(&monitor->look, arguments)) return false;
    for (unsigned i = 0; i < stop->commands; i++) free(stop->command[i]);
    stop->commands = 0;
    monitor->prompt.collecting = stop->number;
    return true;
}

void stops_collect(struct monitor *monitor, const char *line) {
    struct stop *stop = stop_find(monitor, monitor->prompt.collecting);
    if (!stop || strcmp(line, "end") == 0) {
        monitor->prompt.collecting = 0;
    } else if (stop->commands == STOP_COMMANDS) {
        monitor_error(monitor, "a list has %d commands at most; this one is left out", STOP_COMMANDS);
    } else if ((stop->command[stop->commands] = strdup(line))) {
        stop->commands++;
    }
}

void stops_list(struct monitor *monitor) {
    const struct stop *stop = monitor->stops ? monitor->stops->first : NULL;
    if (!stop) print(monitor, "none\n");
    for (; stop; stop = stop->next) stop_describe(monitor, stop);
}
