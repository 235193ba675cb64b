// events: the timeline of events that were injected, delivered, cut short by a VM exit, given again, or lost; and what
// waits now. SDM Vol. 3C, 26.6, 27.2.4.
#include "monitor/causes/event.h"
#include "monitor/expression/expression.h"
#include "monitor/vmcs/vmcs.h"
#include "monitor/session/monitor.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {
    [EVENT_DELIVERED_INTERRUPT] = "delivery",
    [EVENT_DELIVERED_EXCEPTION] = "delivery",
    [EVENT_INJECTS] = "injected",
    [EVENT_INTERRUPT] = "VM exit",
    [EVENT_TAKEN] = "VM exit",
    [EVENT_VECTORING] = "cut short",
    [EVENT_REINJECTS] = "again",
    [EVENT_REPLACES] = "replaced",
    [EVENT_LOST] = "LOST",
    [EVENT_AGAIN] = "not again",
    [EVENT_WINDOW] = "window",
    [EVENT_TRIPLE] = "triple fault",
    [EVENT_UNKNOWN] = "VM exit",
    [EVENT_SIPI_DISCARDED] = "discarded",
    [EVENT_INIT_HELD] = "held",
};

static void print_what(struct monitor *monitor, const struct history_event *e) {
    static const char *const types[] = {"interrupt", "?", "NMI", "exception", "INT", "INT1", "INT3/INTO", "MTF"};
    if (e->kind == EVENT_TRIPLE || e->kind == EVENT_WINDOW) return;
    if (e->kind == EVENT_UNKNOWN) print(monitor, "interrupt, not acknowledged: its vector is not known");
    if (e->kind == EVENT_SIPI_DISCARDED) print(monitor, "SIPI: the processor does not wait for one");
    if (e->kind == EVENT_INIT_HELD) print(monitor, "INIT: it waits for VMXOFF or the next VM entry");
    if (e->kind >= EVENT_UNKNOWN) return;
    print(monitor, "%s %02x", types[e->type & 7], e->vector);
    if (e->type == EVENT_HARDWARE_EXCEPTION && *vmcs_vector_name(e->vector))
        print(monitor, " %s", vmcs_vector_name(e->vector));
    if (e->has_error_code || e->error_code) print(monitor, " error code %x", e->error_code);
}

static void print_rest(struct monitor *monitor, const struct history_event *e) {
    const char *name = vmx_exit_name(e->reason & UINT16_MAX);
    switch (e->kind) {
    case EVENT_VECTORING: print(monitor, " by VM exit %s", name ? name : "?"); break;
    case EVENT_REINJECTS: print(monitor, " after the exit at step %" PRIu64, e->since); break;
    case EVENT_REPLACES: print(monitor, " by vector %02x, cut short at step %" PRIu64, e->reason, e->since); break;
    case EVENT_LOST:
        print(monitor, ": cut short at step %" PRIu64 " by %s, and this entry does not inject it", e->since,
              name ? name : "?");
        break;
    case EVENT_AGAIN:
        print(monitor, ": cut short at step %" PRIu64 "; its instruction is executed again", e->since);
        break;
    case EVENT_WINDOW: print(monitor, "%s", name ? name : "?"); break;
    default: break;
    }
}

static void print_event(struct monitor *monitor, const struct history_event *e) {
    print(monitor, "%12" PRIu64 "  %3u  %5u  ", e->step, e->processor, e->level);
    print_in(monitor, e->kind == EVENT_LOST ? RED : PLAIN, "%-12s  ", kinds[e->kind]);
    print_what(monitor, e);
    print_rest(monitor, e);
    print(monitor, "\n");
}

// The last `count` of them, oldest first.
static void print_events(struct monitor *monitor, const struct history *h, uint64_t count, bool only_lost) {
    struct event_search search = event_search(h, count, only_lost);
    const struct history_event *e;
    print_in(monitor, BOLD, "        step  cpu  level  what          event\n");
    while ((e = event_next(&search))) print_event(monitor, e);
}

bool command_events(struct monitor *monitor, const char *arguments) {
    enum { USUAL = 20 };
    const struct history *h = look_history(&monitor->look);
    bool lost = strcmp(arguments, "lost") == 0;
    uint64_t count = lost ? HISTORY_EVENTS : USUAL;
    if (!h) return false;
    if (!lost && *arguments &&
        (!take_value(&monitor->look, &arguments, &count) || !take_end(&monitor->look, arguments)))
        return false;
    print_events(monitor, h, count, lost);
    print(monitor, "%" PRIu64 " events seen, %" PRIu64 " lost\n", h->events, h->lost);
    if (!lost) why_interrupt(monitor);
    return true;
}
