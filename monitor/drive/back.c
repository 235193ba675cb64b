// Going back; see back.h and docs/internals/timeline.md. The guest's output is not written again on a way that was gone
// before. NOT IMPLEMENTED: traces that stay as they were. `goto` sends them away; what is gone through with stops set,
// and after `continue` in the past, they write once more.
#include "monitor/drive/back.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_observe.h"
#include "monitor/drive/drive.h"
#include "monitor/expression/expression.h"
#include "monitor/files/signals.h"
#include "monitor/session/record.h"
#include "monitor/session/replay.h"
#include "monitor/stops/stops.h"
#include "vmx/vmcs/vmx.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct timeline *back_timeline(struct monitor *monitor) {
    struct timeline *t = monitor->run->timeline;
    struct timeline_facts f = {.checkpoints = 0};
    if (t) timeline_facts(t, &f);
    if (f.checkpoints) return t;
    monitor_error(monitor, "the past is not kept in this run; start it with -history 512M");
    return NULL;
}

// The machine is about to stand somewhere else in its past: what ended the run has not happened yet.
static void depart(struct monitor *monitor) {
    struct run *run = monitor->run;
    drive_running(monitor, true);
    stops_begin(monitor);
    run->console->silent = true;
    run->over = false;
    run->status = STATUS_DONE;
}

static void arrive(struct monitor *monitor) {
    struct run *run = monitor->run;
    run->console->silent = timeline_in_past(run->timeline);
    drive_running(monitor, false); // looks at the processor whose turn it is
}

static bool cannot_go(struct monitor *monitor, uint64_t step, const char *wrong) {
    struct timeline_facts f;
    timeline_facts(monitor->run->timeline, &f);
    if (wrong && !strcmp(wrong, "interrupted"))
        return monitor_error(monitor, "interrupted on the way to step %" PRIu64, step);
    if (wrong)
        return monitor_error(monitor, "what is kept of the past does not lead to step %" PRIu64 " (%s)", step, wrong);
    return monitor_error(monitor, "step %" PRIu64 " is not kept; the past goes from step %" PRIu64 " to step %" PRIu64,
                         step, f.first.steps, f.end.steps);
}

bool back_out_of_reach(struct monitor *monitor, uint64_t step) { return cannot_go(monitor, step, NULL); }

bool back_to_step(struct monitor *monitor, uint64_t step) {
    struct timeline *t = back_timeline(monitor);
    const char *wrong = NULL;
    if (!t) return false;
    depart(monitor);
    bool gone = timeline_go_step(t, step, &wrong);
    arrive(monitor);
    return gone || cannot_go(monitor, step, wrong);
}

// --- the last stop ---

// How often each stop was hit is no matter of looking for one.
struct counted {
    struct stop *stop;
    uint64_t hits, ignore;
};
enum { STOPS_COUNTED = 256 };

static unsigned keep_counts(const struct monitor *monitor, struct counted *all) {
    unsigned n = 0;
    for (struct stop *s = monitor->stops ? monitor->stops->first : NULL; s && n < STOPS_COUNTED; s = s->next)
        all[n++] = (struct counted){s, s->hits, s->ignore};
    return n;
}
static void put_counts_back(const struct counted *all, unsigned n) {
    for (unsigned i = 0; i < n; i++) all[i].stop->hits = all[i].hits, all[i].stop->ignore = all[i].ignore;
}

// A span of the past, gone through with the stops set.
struct span {
    void (*forget)(void *whom); // NULL: nobody else than the monitor's stops counts
    void *whom;
    unsigned checkpoint; // where it begins
    struct position end;
    bool with_end; // a stop at the end itself counts
};

// Through the span, up to the stop of that number (from 1 on), 0: to its end. How many there were; ~0: interrupted.
static unsigned go_through(struct monitor *monitor, const struct span *span, unsigned wanted) {
    struct timeline *t = monitor->run->timeline;
    struct position at, before = {0};
    const char *wrong = NULL;
    unsigned found = 0, still = 0;
    if (!timeline_go_checkpoint(t, span->checkpoint, &wrong)) return UINT32_MAX;
    while (still < 8) {
        stops_begin(monitor);
        if (span->forget) span->forget(span->whom);
        enum machine_stop why = timeline_run_to(t, &span->end);
        machine_position(monitor->look.machine, &at);
        bool ended = position_same(&at, &span->end);
        if (why == MACHINE_INTERRUPTED || why == MACHINE_LOST) return UINT32_MAX;
        if (why == MACHINE_OBSERVED && (span->forget || stops_caught(monitor)) && (!ended || span->with_end) &&
            ++found == wanted)
            return found;
        if (ended || at.steps > span->end.steps) break;
        still = position_same(&at, &before) ? still + 1 : 0;
        before = at;
    }
    return found;
}

static enum run_event look_back(struct monitor *monitor, struct span span) {
    struct timeline *t = monitor->run->timeline;
    const struct position now = span.end;
    struct position at;
    unsigned count = 0;
    while (timeline_checkpoint(t, count, &at) && at.steps < now.steps) count++;
    for (span.checkpoint = count; span.checkpoint--;) {
        unsigned found = go_through(monitor, &span, 0);
        if (found && found != UINT32_MAX) found = go_through(monitor, &span, found);
        if (found == UINT32_MAX) return RUN_ASKED;
        if (found) return RUN_CAUGHT;
        (void)timeline_checkpoint(t, span.checkpoint, &span.end);
        span.with_end = true;
    }
    const char *wrong = NULL;
    (void)timeline_go_checkpoint(t, 0, &wrong);
    return RUN_TARGET;
}

enum run_event back_to_stop(struct monitor *monitor, void (*forget)(void *whom), void *whom) {
    struct counted counts[STOPS_COUNTED];
    struct span span = {.forget = forget, .whom = whom};
    unsigned n = keep_counts(monitor, counts);
    machine_position(monitor->look.machine, &span.end);
    depart(monitor);
    enum run_event event = look_back(monitor, span);
    put_counts_back(counts, n);
    arrive(monitor);
    return event;
}

// --- the last instruction of a level ---

struct begun {
    unsigned level, processor;
    uint64_t before, step; // looked for before a step; found at
    bool found;
};

static void note(void *context, struct cpu *cpu, const struct sight *sight) {
    struct begun *b = context;
    if (cpu->id != b->processor || sight->step >= b->before) return;
    if ((cpu->wire.extension ? vmx_level(cpu) : 0) != b->level) return;
    b->found = true;
    b->step = sight->step;
}

// Among the steps from one on. False: interrupted.
static bool look_among(struct monitor *monitor, struct begun *b, uint64_t from) {
    struct timeline *t = monitor->run->timeline;
    struct observer observer = {.wanted = BIT(OBSERVE_INSTRUCTION), .context = b, .see = note};
    const char *wrong = NULL;
    uint64_t step = 0;
    if (!timeline_go_step(t, from, &wrong)) return false;
    machine_add_observer(monitor->look.machine, &observer);
    enum machine_stop why = MACHINE_STEPS;
    while ((step = machine_steps(monitor->look.machine)) < b->before && why != MACHINE_INTERRUPTED &&
           why != MACHINE_LOST)
        why = timeline_run(t, b->before - step);
    machine_remove_observer(monitor->look.machine, &observer);
    return step >= b->before;
}

// Near first: the stretches that are gone through grow.
static enum run_event find_level(struct monitor *monitor, struct begun *b) {
    struct timeline_facts f;
    const char *wrong = NULL;
    timeline_facts(monitor->run->timeline, &f);
    uint64_t now = b->before;
    for (uint64_t span = 16; !b->found; span *= 16) {
        uint64_t room = now - f.first.steps, from = now - (span < room ? span : room);
        if (!look_among(monitor, b, from)) return RUN_ASKED;
        if (from == f.first.steps) break;
        b->before = b->found ? b->before : from;
    }
    bool gone = timeline_go_step(monitor->run->timeline, b->found ? b->step : f.first.steps, &wrong);
    return !gone ? RUN_ASKED : b->found ? RUN_CAUGHT : RUN_TARGET;
}

enum run_event back_to_level(struct monitor *monitor, unsigned level, unsigned processor) {
    struct begun begun = {.level = level, .processor = processor, .before = machine_steps(monitor->look.machine)};
    depart(monitor);
    enum run_event event = find_level(monitor, &begun);
    arrive(monitor);
    return event;
}

// --- marks ---

enum { MARKS = 32 };
struct marks {
    struct mark {
        char name[32];
        struct position at;
    } mark[MARKS];
    unsigned count;
};

void back_free(struct monitor *monitor) { free(monitor->marks); }

static struct mark *mark_find(const struct monitor *monitor, const char *name) {
    struct marks *m = monitor->marks;
    for (unsigned i = 0; m && i < m->count; i++)
        if (!strcmp(m->mark[i].name, name)) return &m->mark[i];
    return NULL;
}

static bool list_marks(struct monitor *monitor) {
    const struct marks *m = monitor->marks;
    for (unsigned i = 0; m && i < m->count; i++)
        print(monitor, "%-16s step %" PRIu64 "\n", m->mark[i].name, m->mark[i].at.steps);
    struct position at;
    const char *name;
    unsigned recorded = 0;
    for (; (name = replay_mark(monitor->run, recorded, &at)); recorded++)
        print(monitor, "%-16s step %" PRIu64 ", in the recording\n", name, at.steps);
    if ((!m || !m->count) && !recorded) print(monitor, "No marks. mark NAME makes one here.\n");
    return true;
}

bool command_mark(struct monitor *monitor, const char *name) {
    if (!*name) return list_marks(monitor);
    struct mark *mark = mark_find(monitor, name);
    if (!back_timeline(monitor)) return false;
    if (strlen(name) >= sizeof mark->name || strspn(name, "0123456789-+") || strchr(name, ' '))
        return monitor_error(monitor, "mark: a name begins with a letter, has no spaces and at most 31 characters");
    if (!monitor->marks && !(monitor->marks = calloc(1, sizeof *monitor->marks)))
        return monitor_error(monitor, "not enough memory");
    if (!mark && monitor->marks->count == MARKS) return monitor_error(monitor, "there can be %d marks", MARKS);
    if (!mark) mark = &monitor->marks->mark[monitor->marks->count++];
    strcpy(mark->name, name);
    machine_position(monitor->look.machine, &mark->at);
    record_mark(monitor->run, mark->name, &mark->at);
    if (!timeline_in_past(monitor->run->timeline)) (void)timeline_keep(monitor->run->timeline);
    return true;
}

static bool go_to_position(struct monitor *monitor, const struct position *at) {
    const char *wrong = NULL;
    depart(monitor);
    bool gone = timeline_go(monitor->run->timeline, at, &wrong);
    arrive(monitor);
    return gone || cannot_go(monitor, at->steps, wrong);
}

// --- commands ---

static bool told(struct monitor *monitor, bool gone) { return gone && drive_stopped(monitor, RUN_TARGET); }

static bool steps_back(struct monitor *monitor, uint64_t steps) {
    uint64_t now = machine_steps(monitor->look.machine);
    if (steps > now)
        return monitor_error(monitor, "there are no %" PRIu64 " steps before this one: it is step %" PRIu64, steps,
                             now);
    return told(monitor, back_to_step(monitor, now - steps));
}

bool command_reverse_step(struct monitor *monitor, const char *arguments) {
    uint64_t times;
    return back_timeline(monitor) && drive_take_times(monitor, arguments, &times) && steps_back(monitor, times);
}

bool command_reverse_continue(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    if (!back_timeline(monitor)) return false;
    enum run_event event = back_to_stop(monitor, NULL, NULL);
    if (event == RUN_TARGET)
        print_in(monitor, CYAN, "Nothing stopped the guest before: this is the beginning of its past.\n");
    return drive_stopped(monitor, event);
}

// Of a recording that is replayed.
static bool recorded_mark(const struct monitor *monitor, const char *wanted, struct position *at) {
    const char *name;
    for (unsigned i = 0; (name = replay_mark(monitor->run, i, at)); i++)
        if (!strcmp(name, wanted)) return true;
    return false;
}

bool command_goto(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    struct timeline_facts f;
    uint64_t step;
    if (!t) return false;
    timeline_facts(t, &f);
    if (!*arguments)
        return monitor_error(monitor, "goto where? goto STEP, goto -N (steps back), goto end, or goto MARK");
    if (!strcmp(arguments, "end")) return told(monitor, go_to_position(monitor, &f.end));
    const struct mark *mark = mark_find(monitor, arguments);
    struct position recorded;
    if (mark) return told(monitor, go_to_position(monitor, &mark->at));
    if (recorded_mark(monitor, arguments, &recorded)) return told(monitor, go_to_position(monitor, &recorded));
    if (isalpha((unsigned char)*arguments))
        return monitor_error(monitor, "goto: no mark is called %s; mark alone lists them", arguments);
    bool back = *arguments == '-';
    arguments += back;
    if (!take_value(&monitor->look, &arguments, &step) || !take_end(&monitor->look, arguments)) return false;
    return back ? steps_back(monitor, step) : told(monitor, back_to_step(monitor, step));
}

bool command_branch(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    (void)arguments;
    if (!t) return false;
    if (!timeline_in_past(t) && !timeline_expects(t))
        return monitor_error(monitor, "this is the end of the past already; nothing comes after it");
    timeline_branch(t);
    record_branch(monitor->run);
    monitor->run->console->silent = false;
    print(monitor, "What came after step %" PRIu64 " is forgotten; the machine goes on from here.\n",
          machine_steps(monitor->look.machine));
    return true;
}

bool command_live(struct monitor *monitor, const char *arguments) {
    struct timeline *t = monitor->run->timeline;
    (void)arguments;
    if (!t || !timeline_expects(t))
        return monitor_error(monitor, "live: nothing is replayed here; continue lets the guest run");
    if (!timeline_at_last(t))
        return monitor_error(monitor,
                             "live: this is not the end of the recording; goto end leads there, branch begins here");
    timeline_branch(t);
    return drive_stopped(monitor, drive_until(monitor, UINT64_MAX));
}

bool command_history(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    struct timeline_facts f;
    (void)arguments;
    if (!t) return false;
    timeline_facts(t, &f);
    print(monitor, "The past is kept from step %" PRIu64 " to step %" PRIu64 ".\n", f.first.steps, f.end.steps);
    print(monitor, "It is step %" PRIu64 " now%s.\n", machine_steps(monitor->look.machine),
          f.in_past ? ", in the past: the guest goes through what it did once more, up to the end" : ", the end");
    uint64_t mbytes = (f.bytes >> 20) + 1;
    print(monitor, "%u checkpoint%s, %" PRIu64 " input%s, less than %" PRIu64 " MByte%s.\n", f.checkpoints,
          f.checkpoints == 1 ? "" : "s", f.inputs, f.inputs == 1 ? "" : "s", mbytes, mbytes == 1 ? "" : "s");
    return true;
}
