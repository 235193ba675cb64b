// list: the source around an instruction or a line.
#include "monitor/expression/expression.h"
#include "monitor/symbols/symbols.h"
#include "monitor/session/monitor.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 10, LINE_BYTES = 400 };

static bool print_lines(struct monitor *monitor, const struct source_place *place, unsigned from, unsigned marked) {
    char text[LINE_BYTES];
    unsigned line = from;
    for (; line < from + LINES && source_text(place, line, text, sizeof text); line++)
        print(monitor, "%s%5u: %s\n", line == marked ? "=>" : "  ", line, text);
    if (line == from && errno) return monitor_error(monitor, "%s: cannot be read: %s", place->path, strerror(errno));
    if (line == from) return monitor_error(monitor, "%s: it has no line %u", place->shown, from);
    monitor->listing.next = line;
    return true;
}

// The table of the symbols may be gone when list goes on: the path is copied. What is shown of it is its end.
static void remember(struct monitor *monitor, const struct source_place *place) {
    struct listing *l = &monitor->listing;
    free(l->path);
    l->path = strdup(place->path);
    l->shown = l->path ? l->path + (place->shown - place->path) : NULL;
    l->step = machine_steps(monitor->look.machine);
}

static bool list_around(struct monitor *monitor, const struct source_place *place, bool mark) {
    unsigned from = place->line > LINES / 2 ? place->line - LINES / 2 : 1;
    print(monitor, "%s\n", place->shown);
    remember(monitor, place);
    return print_lines(monitor, place, from, mark ? place->line : 0);
}

bool command_list(struct monitor *monitor, const char *arguments) {
    struct location place;
    struct source_place source;
    const struct listing *last = &monitor->listing;
    bool alone = !*arguments;
    if (alone && last->path && last->step == machine_steps(monitor->look.machine))
        return print_lines(monitor, &(struct source_place){last->path, last->shown, 0, 0}, last->next, 0);
    if (alone && !view_make(&monitor->look, monitor->look.level, &place.view)) return false;
    if (alone)
        place.address = view_code_address(&place.view);
    else if (!take_place(&monitor->look, &arguments, &place) || !take_end(&monitor->look, arguments))
        return false;
    if (!symbols_line(monitor->look.symbols, (int)place.view.level, place.address, &source))
        return monitor_error(monitor, "0x%llx: the source line is not known (symbols FILE, with debug information)",
                             (unsigned long long)place.address);
    return list_around(monitor, &source, place.address == view_code_address(&place.view));
}
