// Letting the guest run and coming back; see drive.h.
#include "monitor/drive/drive.h"
#include "devices/machine/machine_observe.h"
#include "monitor/expression/expression.h"
#include "monitor/files/signals.h"
#include "monitor/report/report.h"
#include "monitor/session/replay.h"
#include "monitor/host/terminal.h"
#include "monitor/show/names.h"
#include "monitor/show/where.h"
#include "monitor/stops/stops.h"
#include <inttypes.h>

void drive_come_back(struct monitor *monitor) {
    struct console_output *output = &monitor->run->console->output[0];
    console_flush(monitor->run->console);
    progress_clear(&monitor->run->progress);
    if (output->in_line && !monitor->output->write) print(monitor, "\n");
    output->in_line = false;
}

// Who runs the machine begins (`on`) or ends; the terminal is as the prompt has it, or the guest's.
static void take_turns(struct monitor *monitor, bool on, bool prompt) {
    if (on)
        output_flush(monitor->output);
    else
        drive_come_back(monitor);
    signals_interrupt_asks(true);
    terminal_prompt(prompt);
}

// The guest has the terminal, or the monitor.
void drive_running(struct monitor *monitor, bool on) {
    take_turns(monitor, on, !on);
    if (!on) drive_follow(monitor);
}

void drive_going(struct monitor *monitor, bool on) {
    take_turns(monitor, on, true);
    run_looks(monitor->run, on);
    if (on) return;
    const unsigned processor = monitor->look.processor;
    const bool chosen = monitor->look.chosen;
    drive_follow(monitor);
    if (chosen) monitor->look.processor = processor;
    monitor->look.chosen = chosen;
}

void drive_tell_reset(struct monitor *monitor) {
    const struct run *run = monitor->run;
    unsigned times = run->resets - monitor->letting_go.resets;
    monitor->letting_go.resets = run->resets;
    if (times) print_in(monitor, RED, "The machine was reset: %s.", run->reset_text);
    if (times > 1) print(monitor, " That was the last of %u times.", times);
    if (times) print(monitor, "\n");
}

void drive_tell_end(struct monitor *monitor) {
    print_in(monitor, CYAN, "The recording ends here (%s); live goes on.\n", replay_reason(monitor->run));
}

static void tell_over(struct monitor *monitor, bool was_over) {
    drive_tell_reset(monitor);
    if (!monitor->run->over) return;
    if (was_over)
        monitor_error(monitor, "The run is over: %s.", monitor->run->over_text);
    else
        print(monitor, "The run is over: %s.\n", monitor->run->over_text);
}

enum run_event drive_step(struct monitor *monitor) {
    bool was_over = monitor->run->over;
    enum run_event event = run_until(monitor->run, machine_steps(monitor->look.machine) + 1);
    tell_over(monitor, was_over);
    return event;
}

enum run_event drive_until(struct monitor *monitor, uint64_t step) {
    return drive_looking(monitor, step, UINT64_MAX, NULL, NULL);
}

enum run_event drive_looking(struct monitor *monitor, uint64_t step, uint64_t every, drive_look *look, void *context) {
    bool was_over = monitor->run->over;
    enum run_event event;
    stops_begin(monitor);
    machine_pass_points(monitor->look.machine, machine_turn(monitor->look.machine));
    drive_running(monitor, true);
    do {
        uint64_t now = machine_steps(monitor->look.machine), left = step > now ? step - now : 0;
        event = run_until(monitor->run, every < left ? now + every : step);
        if (event == RUN_TARGET && look) every = look(monitor, context);
    } while (event == RUN_TARGET && machine_steps(monitor->look.machine) < step);
    drive_running(monitor, false);
    tell_over(monitor, was_over);
    return event;
}

void drive_follow(struct monitor *monitor) {
    monitor->look.processor = machine_turn(monitor->look.machine);
    monitor->look.chosen = false;
    monitor->look.level = -1;
    names_again(monitor);
}

bool drive_stopped(struct monitor *monitor, enum run_event event) {
    for (;; event = drive_until(monitor, UINT64_MAX)) {
        if (event == RUN_OVER) return false;
        if (event == RUN_ASKED) print_in(monitor, CYAN, "Interrupted.\n");
        if (event == RUN_ENDS) drive_tell_end(monitor);
        stops_report(monitor);
        reports_tell(monitor);
        where_print(monitor);
        if (!stops_carry_out(monitor)) return true;
    }
}

bool drive_take_times(struct monitor *monitor, const char *text, uint64_t *times) {
    *times = 1;
    if (!*text) return true;
    if (!take_value(&monitor->look, &text, times) || !take_end(&monitor->look, text)) return false;
    return *times <= INT64_MAX ||
           monitor_error(monitor, "%" PRId64 " is not a number of times; give one from 0 on", (int64_t)*times);
}
