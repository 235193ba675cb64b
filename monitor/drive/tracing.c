// The trace command. A span of the past is gone through for its trace; the present stays where it is.
#include "monitor/drive/asking.h"
#include "monitor/drive/back.h"
#include "monitor/trace/trace.h"
#include <string.h>

static bool go_through(struct asking *a, uint64_t step) {
    enum machine_stop why = MACHINE_STEPS;
    uint64_t now;
    while ((now = machine_steps(a->monitor->look.machine)) < step && timeline_in_past(a->timeline) &&
           why != MACHINE_INTERRUPTED && !machine_stop_is_final(why))
        why = timeline_run(a->timeline, step - now);
    return machine_steps(a->monitor->look.machine) >= step || monitor_error(a->monitor, "interrupted");
}

static bool trace_span(struct monitor *monitor, struct trace *trace) {
    struct timeline_facts f;
    struct asking asking;
    struct timeline *t = back_timeline(monitor);
    if (t) timeline_facts(t, &f);
    bool within = t && (trace->last <= f.end.steps || back_out_of_reach(monitor, trace->last));
    bool begun = within && asking_begin(monitor, trace->first, &asking);
    bool gone = begun && go_through(&asking, trace->last);
    bool written = trace_end_one(monitor, trace);
    return (!begun || asking_end(&asking)) && gone && written;
}

bool command_trace(struct monitor *monitor, const char *arguments) {
    if (strcmp(arguments, "stop") == 0) return trace_end(monitor);
    if (!*arguments) {
        trace_list(monitor);
        return true;
    }
    bool started = trace_start(monitor, arguments);
    written_begin();
    return started && (!monitor->traces->spans || trace_span(monitor, monitor->traces));
}
