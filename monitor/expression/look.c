// What is looked at; see look.h.
#include "monitor/expression/look.h"
#include "devices/machine/machine.h"
#include <string.h>

const struct cpu *look_cpu(const struct look *look) { return machine_cpu(look->machine, look->processor); }

const void *look_part(const struct look *look, const char *name, unsigned n) {
    struct machine_part part;
    for (unsigned i = 0; machine_part(look->machine, i, &part); i++)
        if (strcmp(part.name, name) == 0 && n-- == 0) return part.object;
    return NULL;
}

// In the middle of a block RIP is that of its start; what is seen knows better.
static void see(const struct look *look, struct view *view) {
    if (view->source != VIEW_LIVE || !look->sight) return;
    view->sight = look->sight;
    view->in_sight = look->in_sight;
    if (view->in_sight) view->rip = look->sight->rip;
}

bool view_make(const struct look *look, int level, struct view *view) {
    char error[160];
    if (!view_of(look->machine, look->processor, level, machine_history(look->machine), view, error, sizeof error))
        return monitor_error(look, "%s", error);
    see(look, view);
    return true;
}

bool view_exists(const struct look *look, unsigned level) { return view_is_there(look_cpu(look), level); }

const struct history *look_history(const struct look *look) {
    const struct history *history = machine_history(look->machine);
    if (!history) monitor_error(look, "this processor has no VT-x");
    return history;
}

const struct history_cpu *look_past(const struct look *look) {
    return machine_history_cpu(look->machine, look->processor);
}
