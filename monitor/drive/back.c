// Going back; see back.h and docs/internals/timeline.md. The guest's output is not written again on a way that was gone
// before, and neither is what is traced.
#include "monitor/drive/back.h"
#include "devices/history/timeline.h"
#include "cpu/processor/observing.h"
#include "devices/machine/machine_observe.h"
#include "monitor/drive/drive.h"
#include "monitor/expression/expression.h"
#include "monitor/files/signals.h"
#include "monitor/report/report.h"
#include "monitor/session/record.h"
#include "monitor/session/replay.h"
#include "monitor/stops/stops.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
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
void back_depart(struct monitor *monitor) {
    struct run *run = monitor->run;
    machine_position(monitor->look.machine, &monitor->letting_go.from);
    drive_going(monitor, true);
    stops_begin(monitor);
    stops_look_back(monitor, true);
    run->console->silent = true;
    run->over = false;
    run->status = STATUS_DONE;
}

// Who is interrupted on the way stays where he was.
void back_return(struct monitor *monitor, const struct position *from) {
    const char *wrong = NULL;
    run_looks(monitor->run, false); // nothing stops the way home
    (void)timeline_go(monitor->run->timeline, from, &wrong);
}

void back_arrive(struct monitor *monitor) {
    struct run *run = monitor->run;
    if (timeline_at_last(run->timeline) && !replay_goes_on(run)) timeline_branch(run->timeline); // of a line: live
    stops_begin(monitor);
    stops_look_back(monitor, false);
    stops_recount(monitor);
    run->console->silent = timeline_in_past(run->timeline);
    drive_going(monitor, false); // looks at the processor whose turn it is
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
    back_depart(monitor);
    bool gone = replay_to_step(monitor->run, step, &wrong);
    if (!gone && wrong) back_return(monitor, &monitor->letting_go.from);
    back_arrive(monitor);
    return gone || cannot_go(monitor, step, wrong);
}

void back_home(struct monitor *monitor, const struct position *began) {
    back_depart(monitor);
    back_return(monitor, began);
    back_arrive(monitor);
}

// --- the last stop ---

// What was caught at the last stop so far.
struct looking_back {
    struct monitor *monitor;
    const struct back_also *also;
    struct caught caught[STOPS_AT_ONCE];
    unsigned count;
    struct reports_pending reports;
};

static void forget_caught(struct looking_back *l) {
    stops_begin(l->monitor);
    reports_forget(l->monitor);
    if (l->also) l->also->forget(l->also->whom);
}

static void begin_stretch(void *context) {
    struct looking_back *l = context;
    stops_stand(l->monitor);
    forget_caught(l);
}

static bool keep_caught(void *context) {
    struct looking_back *l = context;
    const struct stops *stops = l->monitor->stops;
    struct reports_pending reports;
    bool own = stops_caught(l->monitor), reported = reports_keep(l->monitor, &reports);
    bool counts = own || reported || l->also;
    if (counts) l->count = own ? stops->count : 0;
    if (counts) l->reports.count = 0;
    if (reported) l->reports = reports;
    if (own) memcpy(l->caught, stops->caught, sizeof l->caught);
    if (l->also) l->also->keep(l->also->whom);
    forget_caught(l);
    return counts;
}

static void recall_caught(struct looking_back *l) {
    forget_caught(l);
    if (l->count) memcpy(l->monitor->stops->caught, l->caught, sizeof l->caught);
    if (l->count) l->monitor->stops->count = l->count;
    if (l->count) l->monitor->look.sight = &l->monitor->stops->caught[0].sight;
    if (l->also) l->also->recall(l->also->whom);
    reports_recall(l->monitor, &l->reports);
}

enum run_event back_to_last(struct monitor *monitor, const struct seek *seek) {
    struct position at;
    const char *wrong = NULL;
    back_depart(monitor);
    enum search found = timeline_back_to(monitor->run->timeline, seek, &at, &wrong);
    if (found == SEARCH_WRONG) back_return(monitor, &monitor->letting_go.from);
    back_arrive(monitor);
    return found == SEARCH_FOUND ? RUN_CAUGHT : found == SEARCH_NOTHING ? RUN_TARGET : RUN_ASKED;
}

enum run_event back_to_stop(struct monitor *monitor, const struct back_also *also) {
    struct looking_back l = {.monitor = monitor, .also = also};
    const struct seek seek = {.context = &l, .begin = begin_stretch, .counts = keep_caught};
    struct position began;
    enum run_event event;
    machine_position(monitor->look.machine, &began);
    reports_look_back(monitor, true);
    do {
        l.count = 0;
        event = back_to_last(monitor, &seek);
        if (event == RUN_CAUGHT) recall_caught(&l);
    } while (event == RUN_CAUGHT && l.count && !l.reports.count && !also && stops_let_pass(monitor));
    reports_look_back(monitor, false);
    if (event == RUN_CAUGHT) stops_recount(monitor);
    if (event == RUN_ASKED) back_home(monitor, &began), stops_pass_none(monitor);
    for (struct stop *stop = monitor->stops ? monitor->stops->first : NULL; stop; stop = stop->next) stop->passed = 0;
    return event;
}

bool back_keep(struct monitor *monitor, struct position *present) {
    machine_position(monitor->look.machine, present);
    return timeline_keep(monitor->run->timeline) ||
           monitor_error(monitor, "the host is short of memory for going back");
}

// --- the last instruction of a level ---

struct begun {
    unsigned level, processor;
    uint64_t before, step; // looked for before a step; found at
    bool found;
};

static void note(void *context, struct cpu *cpu, const struct sight *sight) {
    struct begun *b = context;
    uint64_t step = sight->step + cpu->wire.other_steps;
    if (cpu->id != b->processor || step >= b->before) return;
    if ((cpu->wire.extension ? vmx_level(cpu) : 0) != b->level) return;
    b->found = true;
    b->step = step;
}

// At the first position of a step it may still be another processor's turn: on to this one's attempt.
static void see_turn(void *context, struct cpu *cpu, const struct sight *sight) {
    const struct begun *b = context;
    (void)sight;
    if (cpu->id == b->processor) cpu_stop(cpu);
}

static void to_turn(struct monitor *monitor, struct begun *b) {
    struct observer observer = {.wanted = BIT(OBSERVE_INSTRUCTION), .context = b, .see = see_turn};
    if (machine_turn(monitor->look.machine) == b->processor) return;
    machine_add_observer(monitor->look.machine, &observer);
    (void)timeline_run(monitor->run->timeline, 1);
    machine_remove_observer(monitor->look.machine, &observer);
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
           !machine_stop_is_final(why))
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
    if (gone && b->found) to_turn(monitor, b);
    return !gone ? RUN_ASKED : b->found ? RUN_CAUGHT : RUN_TARGET;
}

enum run_event back_to_level(struct monitor *monitor, unsigned level, unsigned processor) {
    struct begun begun = {.level = level, .processor = processor, .before = machine_steps(monitor->look.machine)};
    back_depart(monitor);
    enum run_event event = find_level(monitor, &begun);
    if (event == RUN_ASKED) back_return(monitor, &monitor->letting_go.from);
    back_arrive(monitor);
    return event;
}

// --- commands ---

bool back_to_position(struct monitor *monitor, const struct position *at) {
    const char *wrong = NULL;
    back_depart(monitor);
    bool gone = replay_to(monitor->run, at, &wrong);
    if (!gone && wrong) back_return(monitor, &monitor->letting_go.from);
    back_arrive(monitor);
    return gone || cannot_go(monitor, at->steps, wrong);
}

bool back_told(struct monitor *monitor, bool gone) { return gone && drive_stopped(monitor, RUN_TARGET); }

bool back_steps(struct monitor *monitor, uint64_t steps) {
    uint64_t now = machine_steps(monitor->look.machine);
    if (steps > now)
        return monitor_error(monitor, "there are no %" PRIu64 " steps before this one: it is step %" PRIu64, steps,
                             now);
    return back_told(monitor, back_to_step(monitor, now - steps));
}

static bool level_back(struct monitor *monitor, const char *arguments) {
    unsigned level;
    if (!drive_take_level(monitor, arguments, "reverse-step", &level)) return false;
    struct position present;
    if (!back_keep(monitor, &present)) return false;
    enum run_event event = back_to_level(monitor, level, machine_turn(monitor->look.machine));
    if (event != RUN_TARGET) return drive_stopped(monitor, event);
    return back_to_position(monitor, &present) &&
           monitor_error(monitor, "reverse-step -l: level %u did not run before this, as far as the past is kept",
                         level);
}

bool command_reverse_step(struct monitor *monitor, const char *arguments) {
    uint64_t times;
    if (!back_timeline(monitor)) return false;
    if (!strncmp(arguments, "-l", 2)) return level_back(monitor, arguments + 2);
    return drive_take_times(monitor, arguments, &times) && back_steps(monitor, times);
}

bool command_reverse_continue(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    if (!back_timeline(monitor)) return false;
    enum run_event event = back_to_stop(monitor, NULL);
    if (event == RUN_TARGET)
        print_in(monitor, CYAN, "Nothing stopped the guest before: this is the beginning of its past.\n");
    return drive_stopped(monitor, event);
}

bool command_branch(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    (void)arguments;
    if (!t) return false;
    if (!timeline_in_past(t) && !timeline_expects(t))
        return monitor_error(monitor, "this is the end of the past already; nothing comes after it");
    if (timeline_in_past(t) || !timeline_at_last(t)) monitor->run->guests_end.known = false; // it has not happened
    timeline_branch(t);
    record_branch(monitor->run);
    stops_branch(monitor);
    monitor->run->compared = SIZE_MAX; // it is no longer the run that was recorded
    monitor->run->console->silent = false;
    print(monitor, "What came after step %" PRIu64 " is left; the machine goes on from here. lines leads back.\n",
          machine_steps(monitor->look.machine));
    return true;
}

static bool list_lines(struct monitor *monitor, const struct timeline *t) {
    struct timeline_line line;
    unsigned count = 0;
    for (; timeline_line(t, count, &line); count++)
        print(monitor, "%u  from step %" PRIu64 " to step %" PRIu64 ", %" PRIu64 " input%s\n", count + 1,
              line.from.steps, line.end.steps, line.inputs, line.inputs == 1 ? "" : "s");
    if (!count) print(monitor, "No line was left. branch leaves what comes after the present moment.\n");
    return true;
}

static bool go_line(struct monitor *monitor, struct timeline *t, unsigned index) {
    struct timeline_line line;
    const char *wrong = NULL;
    if (!timeline_line(t, index, &line))
        return monitor_error(monitor, "lines: there is no line %u; lines alone lists them", index + 1);
    back_depart(monitor);
    bool gone = timeline_go_line(t, index, &wrong);
    if (gone) record_line(monitor->run);
    if (gone) stops_moved(monitor);
    back_arrive(monitor);
    if (!gone) return monitor_error(monitor, "what is kept of the past does not lead to that line (%s)", wrong);
    monitor->run->compared = SIZE_MAX;
    return true;
}

bool command_lines(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    uint64_t number;
    if (!t) return false;
    if (!*arguments) return list_lines(monitor, t);
    if (!take_value(&monitor->look, &arguments, &number) || !take_end(&monitor->look, arguments)) return false;
    if (!number || number > INT32_MAX) return monitor_error(monitor, "lines: they are numbered from 1 on");
    return back_told(monitor, go_line(monitor, t, (unsigned)number - 1));
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

static const char *place_in_time(const struct timeline *t, bool in_past) {
    if (in_past) return ", in the past: the guest goes through what it did once more, up to the end";
    if (timeline_at_last(t)) return ", the end of the recording";
    return timeline_expects(t) ? ", in a replay: the guest goes through what was recorded, up to the end" : ", the end";
}

bool command_history(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    struct timeline_facts f;
    (void)arguments;
    if (!t) return false;
    timeline_facts(t, &f);
    print(monitor, "The past is kept from step %" PRIu64 " to step %" PRIu64 ".\n", f.first.steps, f.end.steps);
    print(monitor, "It is step %" PRIu64 " now%s.\n", machine_steps(monitor->look.machine),
          place_in_time(t, f.in_past));
    uint64_t mbytes = (f.bytes >> 20) + 1;
    print(monitor, "%u checkpoint%s, %" PRIu64 " input%s, less than %" PRIu64 " MByte%s.\n", f.checkpoints,
          f.checkpoints == 1 ? "" : "s", f.inputs, f.inputs == 1 ? "" : "s", mbytes, mbytes == 1 ? "" : "s");
    return true;
}
