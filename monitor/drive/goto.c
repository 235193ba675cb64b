// goto: to a step, to a mark, to a moment of idle time, to the end.
#include "devices/history/timeline.h"
#include "monitor/drive/back.h"
#include "monitor/drive/drive.h"
#include "monitor/drive/marks.h"
#include "monitor/expression/expression.h"
#include "monitor/host/parse.h"
#include "monitor/session/replay.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Of a recording that is replayed.
static bool recorded_mark(const struct monitor *monitor, const char *wanted, struct position *at) {
    const char *name;
    struct position one;
    bool found = false;
    for (unsigned i = 0; (name = replay_mark(monitor->run, i, &one)); i++) {
        if (strcmp(name, wanted)) continue;
        *at = one;
        found = true;
    }
    return found;
}

static bool to_recorded(struct monitor *monitor, const char *name, const struct position *at) {
    if (!back_to_position(monitor, at)) return false;
    back_depart(monitor);
    bool gone = replay_to_mark(monitor->run, name);
    back_arrive(monitor);
    return gone || monitor_error(monitor, "interrupted on the way to %s", name);
}

// STEP+CYCLES, both as numbers.
static bool is_idle_time(const char *text) {
    size_t step = strspn(text, "0123456789"), cycles = text[step] == '+' ? strspn(text + step + 1, "0123456789") : 0;
    return step && cycles && !text[step + 1 + cycles];
}

static bool to_idle_time(struct monitor *monitor, const char *text) {
    struct position at, present;
    if (!back_keep(monitor, &present)) return false;
    uint64_t step = strtoull(text, NULL, 10), cycles = strtoull(strchr(text, '+') + 1, NULL, 10);
    if (!back_to_step(monitor, step)) return false;
    machine_position(monitor->look.machine, &at);
    at.cycle += cycles;
    const char *wrong = NULL;
    back_depart(monitor);
    bool gone = replay_to(monitor->run, &at, &wrong);
    if (!gone) (void)timeline_go(monitor->run->timeline, &present, &wrong);
    back_arrive(monitor);
    return gone || monitor_error(monitor,
                                 "goto %" PRIu64 "+%" PRIu64 " means %" PRIu64 " cycles into the idle time after step "
                                 "%" PRIu64 ", where the processor waits for less than that; goto %" PRIu64
                                 " leads to the step",
                                 step, cycles, cycles, step, step);
}

bool command_goto(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    struct timeline_facts f;
    uint64_t step;
    if (!t) return false;
    timeline_facts(t, &f);
    if (!*arguments)
        return monitor_error(monitor, "goto where? goto STEP, goto -N or +N (steps from here), goto end, or goto MARK");
    if (!strcmp(arguments, "end")) return back_told(monitor, back_to_position(monitor, &f.end));
    struct position at;
    if (mark_find(monitor, arguments, &at)) return back_told(monitor, back_to_position(monitor, &at));
    if (recorded_mark(monitor, arguments, &at)) return back_told(monitor, to_recorded(monitor, arguments, &at));
    if (is_idle_time(arguments)) return back_told(monitor, to_idle_time(monitor, arguments));
    if (isalpha((unsigned char)*arguments))
        return monitor_error(monitor, "goto: no mark is called %s; mark alone lists them", arguments);
    char sign = *arguments == '-' || *arguments == '+' ? *arguments++ : 0;
    if (!take_value(&monitor->look, &arguments, &step) || !take_end(&monitor->look, arguments)) return false;
    if (sign == '-') return back_steps(monitor, step);
    uint64_t now = sign ? machine_steps(monitor->look.machine) : 0;
    if (step > ~0ull - now) return back_out_of_reach(monitor, step);
    return back_told(monitor, back_to_step(monitor, now + step));
}
