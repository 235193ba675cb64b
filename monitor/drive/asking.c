// Questions about the past; see asking.h.
#include "monitor/drive/asking.h"
#include "cpu/pages/pages.h"
#include "cpu/watch/observe.h"
#include "monitor/drive/back.h"
#include "monitor/drive/drive.h"
#include "monitor/expression/expression.h"
#include "monitor/files/signals.h"
#include "monitor/host/terminal.h"
#include "monitor/show/where.h"
#include <inttypes.h>
#include <string.h>

// The guest does what it did once more: Ctrl-C ends that, as the terminal's own, and nothing of it is seen.
static void silence(struct monitor *monitor, bool on) {
    struct run *run = monitor->run;
    output_flush(monitor->output);
    signals_interrupt_asks(true);
    terminal_prompt(true);
    run_looks(run, on);
    run->console->silent = on || timeline_in_past(run->timeline);
}

static bool tell_wrong(struct monitor *monitor, const char *wrong) {
    if (wrong && !strcmp(wrong, "interrupted")) return monitor_error(monitor, "interrupted");
    return monitor_error(monitor, "what is kept of the past does not lead there (%s)", wrong ? wrong : "it is too old");
}

static void keep_stops(struct asking *a) {
    const struct stops *stops = a->monitor->stops;
    stops_look_back(a->monitor, true);
    if (stops) memcpy(a->caught, stops->caught, sizeof a->caught);
    a->caught_count = stops ? stops->count : 0;
}

static void put_stops_back(struct asking *a) {
    stops_look_back(a->monitor, false);
    if (a->monitor->stops) memcpy(a->monitor->stops->caught, a->caught, sizeof a->caught);
    if (a->monitor->stops) a->monitor->stops->count = a->caught_count;
}

bool asking_begin(struct monitor *monitor, uint64_t step, struct asking *a) {
    struct timeline *t = back_timeline(monitor);
    const char *wrong = NULL;
    if (!t) return false;
    *a = (struct asking){.monitor = monitor, .timeline = t, .look = monitor->look, .before = step};
    if (!timeline_keep(t)) return monitor_error(monitor, "the host is short of memory for a question about the past");
    machine_position(monitor->look.machine, &a->present);
    keep_stops(a);
    silence(monitor, true);
    monitor->look.sight = NULL;
    monitor->look.in_sight = false;
    if (step == ~0ull || timeline_go_step(t, step, &wrong)) return true;
    bool back = asking_end(a);
    return back && (wrong ? tell_wrong(monitor, wrong) : back_out_of_reach(monitor, step));
}

bool asking_end(struct asking *a) {
    const char *wrong = NULL;
    run_looks(a->monitor->run, false); // nothing stops the way home
    bool gone = timeline_go(a->timeline, &a->present, &wrong);
    silence(a->monitor, false);
    put_stops_back(a);
    struct printed printed = a->monitor->look.printed;
    a->monitor->look = a->look;
    a->monitor->look.printed = printed;
    return gone || tell_wrong(a->monitor, wrong);
}

bool asking_go(struct asking *a, uint64_t step, const char **wrong) {
    if (!timeline_go_step(a->timeline, step, wrong)) return false;
    drive_follow(a->monitor);
    return true;
}

bool take_before(struct monitor *monitor, const char **text, uint64_t *step) {
    char word[16];
    const char *from = *text;
    *step = ~0ull;
    if (!take_word(text, word, sizeof word) || strcmp(word, "before") != 0) {
        *text = from;
        return true;
    }
    if (**text == 0) return monitor_error(monitor, "before which step?");
    return take_value(&monitor->look, text, step);
}

// --- who did it ---

static void print_cause(struct monitor *monitor, const struct change *c) {
    if (c->from_outside) print(monitor, "  an input from outside came at this step;");
    if (c->stored_by == STORED_BY_DEVICE)
        print(monitor, "  a device stored it, during");
    else if (c->stored_by == STORED_BY_PROCESSOR)
        print(monitor, "  the processor stored it, during");
    else if (c->seen & BIT(OBSERVE_EXIT))
        print(monitor, "  a VM exit, at");
    else if (c->seen & BIT(OBSERVE_FAILED_ENTRY))
        print(monitor, "  a VM entry that failed, by");
    else if (c->seen & BIT(OBSERVE_EVENT_INJECTED))
        print(monitor, "  the injection of vector %u, at", c->vector);
    else if (c->seen & BIT(OBSERVE_ENTRY))
        print(monitor, "  a VM entry, by");
    else if (c->seen & BIT(OBSERVE_INTERRUPT))
        print(monitor, "  with the delivery of interrupt %u, at", c->vector);
    else if (c->seen & BIT(OBSERVE_EXCEPTION))
        print(monitor, "  with the delivery of exception %u, at", c->vector);
    else if (!c->from_outside)
        return;
    print(monitor, "\n");
}

bool change_print(struct asking *a, const struct change *c) {
    struct monitor *monitor = a->monitor;
    const char *wrong = NULL;
    struct view view;
    struct instruction instruction;
    struct source_place source;
    print_in(monitor, BOLD, "step %" PRIu64, c->step);
    print(monitor, "  cpu %u  level %u  ", c->processor, c->level);
    if (c->old == c->now && !c->appears)
        print(monitor, "0x%" PRIx64 " once more\n", c->now);
    else if (c->appears)
        print(monitor, "not there -> 0x%" PRIx64 "\n", c->now);
    else
        print(monitor, "0x%" PRIx64 " -> 0x%" PRIx64 "\n", c->old, c->now);
    print_cause(monitor, c);
    if (!asking_go(a, c->step, &wrong)) return tell_wrong(monitor, wrong);
    if (!view_make(&monitor->look, -1, &view)) return false;
    if (symbols_line(monitor->look.symbols, (int)view.level, view_code_address(&view), &source)) {
        print(monitor, "  ");
        where_source(monitor, &source);
    }
    disassemble(&monitor->look, &view, SPACE_LINEAR, view_code_address(&view), 0, &instruction);
    where_instruction(monitor, &view, &instruction, "  ");
    return true;
}
