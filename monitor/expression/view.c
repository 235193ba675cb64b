// Views for commands; see view.h.
#include "monitor/expression/view.h"
#include "monitor/stops/stops.h"

// In the middle of a block RIP is that of its start; what is seen knows better.
static void see(const struct monitor *monitor, struct view *view) {
    const struct stops *s = monitor->stops;
    if (view->source != VIEW_LIVE || !s || !s->seeing) return;
    view->sight = s->seeing;
    view->in_sight = s->seeing == &s->seen;
    if (view->in_sight) view->rip = s->seeing->rip;
}

bool view_make(struct monitor *monitor, int level, struct view *view) {
    char error[160];
    if (!view_of(monitor->machine, monitor->processor, level, monitor->history, view, error, sizeof error))
        return monitor_error(monitor, "%s", error);
    see(monitor, view);
    return true;
}

bool view_exists(const struct monitor *monitor, unsigned level) { return view_is_there(monitor_cpu(monitor), level); }
