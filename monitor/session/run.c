// Drives a machine from its first step to its end. The host's clock decides only how long idle time lasts for a person
// who may type; what the machine does depends on nothing but its inputs and the steps at which they come.
#include "monitor/files/signals.h"
#include "monitor/session/record.h"
#include "monitor/session/replay.h"
#include "monitor/session/resets.h"
#include "monitor/session/run.h"
#include "cpu/state/cpu.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_input.h"
#include "devices/machine/machine_observe.h"
#include "monitor/host/host_clock.h"
#include "monitor/host/terminal.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    POLL_STEPS = 1 << 20,      // between looks at the terminal: a few milliseconds
    POLL_STEPS_FULL = 1 << 14, // while the guest has not yet taken what was typed or pasted
    IDLE_HERTZ = 100,          // shorter idle times pass at once
};

static void print_hash(struct run *run, uint64_t step) {
    if (run->hashed_step == step) return;
    console_flush(run->console);
    progress_clear(&run->progress);
    tell("hash %" PRIu64 " %016" PRIx64 "\n", step, machine_hash(run->machine));
    run->hashed_step = step;
}

// The first multiple of `every` after `step`.
static uint64_t next_multiple(uint64_t step, uint64_t every) {
    return every ? step - step % every + every : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static bool single_stepping(const struct options *options, uint64_t step) {
    return step >= options->single_from && step - options->single_from < options->single_count;
}

// Where the machine must stop next, whatever happens.
static uint64_t next_stop(const struct run *run, uint64_t step) {
    const struct options *o = run->options;
    uint64_t stop = least(o->steps, next_multiple(step, run->input_used ? POLL_STEPS_FULL : POLL_STEPS));
    stop = least(stop, least(next_multiple(step, o->hash_every), next_multiple(step, o->drop_every)));
    stop = least(stop, record_next_stop(run));
    if (step < run->printed) stop = least(stop, run->printed);
    if (step < o->single_from) stop = least(stop, o->single_from);
    return stop;
}

// In the past: what the guest sends went out before. A recording may be opened beyond that.
static bool printed_before(const struct run *run) {
    return timeline_in_past(run->timeline) && machine_steps(run->machine) < run->printed;
}

static enum machine_stop run_machine(struct run *run, uint64_t steps) {
    if (!run->timeline) return machine_run(run->machine, steps);
    bool past = timeline_in_past(run->timeline);
    run->console->silent = run->quiet || printed_before(run);
    enum machine_stop why = replay_goes_on(run) ? replay_run(run, steps) : timeline_run(run->timeline, steps);
    if (!run->console->silent) run->printed = machine_steps(run->machine);
    run->console->silent = timeline_in_past(run->timeline);
    run->came_to_end = past && !timeline_in_past(run->timeline);
    return why;
}

static enum machine_stop advance(struct run *run, uint64_t step, uint64_t stop) {
    enum machine_stop why = MACHINE_STEPS;
    if (!single_stepping(run->options, step)) return run_machine(run, stop - step);
    while (why == MACHINE_STEPS && step < stop && single_stepping(run->options, step)) {
        why = run_machine(run, 1);
        step = machine_steps(run->machine);
    }
    return why;
}

// What comes in is known.
static bool expects(const struct run *run) { return run->timeline && timeline_expects(run->timeline); }

// Whether anything new came from the terminal.
static bool read_input(struct run *run) {
    size_t room = expects(run) ? 0 : sizeof run->input - run->input_used;
    size_t got = terminal_read(run->input + run->input_used, room);
    run->input_used += got;
    return got > 0;
}

// Gives the guest as much as it has room for. Whether it took any.
static bool feed(struct run *run) {
    unsigned port = (unsigned)run->console->stdin_port;
    size_t taken = least(run->input_used, machine_room(run->machine, INPUT_SERIAL, port));
    if (taken &&
        !machine_offer(
            run->machine,
            &(struct input){.kind = INPUT_SERIAL, .unit = (uint8_t)port, .bytes = (uint32_t)taken, .data = run->input}))
        return false;
    memmove(run->input, run->input + taken, run->input_used - taken);
    run->input_used -= taken;
    return taken > 0;
}

// What is due at this step.
static void at_boundary(struct run *run, uint64_t step) {
    const struct options *o = run->options;
    record_look(run);
    if (o->drop_every && step % o->drop_every == 0) machine_drop_derived(run->machine);
    if (o->hash_every && step % o->hash_every == 0) print_hash(run, step);
    if (step % (run->input_used ? POLL_STEPS_FULL : POLL_STEPS) == 0) {
        console_flush(run->console);
        read_input(run);
        feed(run);
        if (run->polled) run->polled(run->polled_context);
        const struct console_output *output = &run->console->output[0];
        progress_look(&run->progress, run->machine, run->screen.rest || (output->progress && output->in_line));
    }
}

#define LOOK_SECONDS 0.02 // between looks while the machine runs

static bool has_person(const struct run *run) { return run->screen.look || terminal_has_input(); }

// Whether the screen gave the machine something, which ends idle time.
static bool look_at_screen(struct run *run) {
    unsigned before = run->screen.look ? machine_room(run->machine, INPUT_KEY, 0) : 0;
    unsigned pointer = run->screen.look ? machine_room(run->machine, INPUT_POINTER, 0) : 0;
    if (run->screen.look) run->screen.look(run->screen.context, !expects(run));
    return run->screen.look && (machine_room(run->machine, INPUT_KEY, 0) != before ||
                                machine_room(run->machine, INPUT_POINTER, 0) != pointer);
}

static bool someone_asks(const struct run *run) { return run->asks && run->asks(run->asks_context); }

// Waits as long as the guest would, or until something is typed. Whether something was; *seconds is the time it took.
static bool wait_for_input(struct run *run, double most_seconds, double *seconds) {
    double begin = host_seconds(CLOCK_MONOTONIC), left;
    progress_clear(&run->progress);
    bool got = false;
    for (; !got && (left = most_seconds - (host_seconds(CLOCK_MONOTONIC) - begin)) > 0; got = read_input(run)) {
        if (!has_person(run) || terminal_left() || signals_ending() || signals_is_asked()) break;
        if (someone_asks(run)) break;
        if ((got = look_at_screen(run))) break;
        double most = run->screen.look ? 0.015 : run->asks ? 0.05 : 1000;
        terminal_wait((int)((left < most ? left : most) * 1000) + 1);
    }
    *seconds = host_seconds(CLOCK_MONOTONIC) - begin;
    run->waited_seconds += *seconds;
    return got;
}

// The guest waits. If input may come, time passes for it as it does for the person; else it is skipped.
// False: it waits for input that cannot come.
static bool idle(struct run *run) {
    uint64_t cycles = machine_idle_cycles(run->machine);
    if (run->timeline && timeline_in_past(run->timeline)) return true;
    if (expects(run)) return cycles != UINT64_MAX || timeline_at_last(run->timeline);
    record_look(run);
    double hertz = (double)machine_configuration(run->machine)->model.tsc_hz, seconds;
    console_flush(run->console);
    read_input(run);
    if (feed(run)) return true;
    if (!has_person(run) || (run->input_used == sizeof run->input && !terminal_is_raw() && !run->screen.look))
        return cycles != UINT64_MAX; // nobody can type, or nothing that is typed is taken
    if (wait_for_input(run, cycles == UINT64_MAX ? 1e9 : (double)cycles / hertz, &seconds)) {
        const uint64_t passed = least((uint64_t)(seconds * hertz), cycles);
        (void)machine_alter(run->machine, &(struct input){.kind = INPUT_IDLE, .where = passed});
        feed(run);
    }
    return true;
}

static enum status power_off(struct run *run) {
    console_flush(run->console);
    while (run->options->no_shutdown && !terminal_left() && !signals_ending()) {
        uint8_t byte;
        terminal_wait(-1);
        (void)signals_asked(); // there is nothing to stop
        (void)terminal_read(&byte, 1);
    }
    return STATUS_DONE;
}

// The processor in the shutdown state; else the first.
static const struct cpu *stopped_processor(struct machine *machine) {
    const struct cpu *cpu;
    for (unsigned i = 0; (cpu = machine_cpu(machine, i)); i++)
        if (cpu->boundary.activity == ACTIVITY_SHUTDOWN) return cpu;
    return machine_cpu(machine, 0);
}

__attribute__((format(printf, 3, 4))) static bool over(struct run *run, enum status status, const char *format, ...) {
    va_list arguments;
    console_flush(run->console); // what the guest said last comes before what is said of its end
    progress_clear(&run->progress);
    va_start(arguments, format);
    vsnprintf(run->over_text, sizeof run->over_text, format, arguments);
    va_end(arguments);
    run->over = true;
    run->status = status;
    return false;
}

// What only another machine comes back from; a guest that waits or is stuck is found so again.
bool run_ended_by_guest(const char *reason) {
    static const char *const ends[] = {"the guest powered off", "the guest asked for a reset", "the guest wrote ",
                                       "triple fault at "};
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strncmp(reason, ends[i], strlen(ends[i]))) return true;
    return false;
}

static void note_end(struct run *run) {
    if (!run->over || !run_ended_by_guest(run->over_text)) return;
    run->guests_end.known = true;
    run->guests_end.status = run->status;
    machine_position(run->machine, &run->guests_end.at);
    memcpy(run->guests_end.text, run->over_text, sizeof run->over_text);
}

// Who came back to where the guest ended the run finds it ended.
static bool ended_here(struct run *run) {
    struct position now;
    if (!run->guests_end.known || (run->timeline && timeline_in_past(run->timeline))) return false;
    machine_position(run->machine, &now);
    return position_same(&now, &run->guests_end.at) && !over(run, run->guests_end.status, "%s", run->guests_end.text);
}

// A reset, asked for or by a triple fault: what the machine began with is loaded again.
static bool restart(struct run *run, const char *why) {
    char text[sizeof run->reset_text];
    snprintf(text, sizeof text, "%s at step %" PRIu64 ", RIP %016" PRIx64, why, machine_steps(run->machine),
             stopped_processor(run->machine)->rip);
    resets_note(run, text);
    (void)machine_alter(run->machine, &(struct input){.kind = INPUT_RESET});
    return true;
}

// What ends a run by surprise is told on stderr too.
static bool complain_over(struct run *run) {
    bool prompt_follows = run->options->stops_at_end && !*run->options->gdb; // and says so
    return run->monitored || prompt_follows ? false : complain("%s", run->over_text);
}

static bool handle_triple_fault(struct run *run) {
    if (!run->options->no_reboot) {
        resets_note_triple_fault(run, stopped_processor(run->machine));
        return restart(run, "triple fault");
    }
    over(run, STATUS_TRIPLE_FAULT, "triple fault at step %" PRIu64 ", RIP %016" PRIx64, machine_steps(run->machine),
         stopped_processor(run->machine)->rip);
    return complain_over(run);
}

static bool handle_stuck(struct run *run) {
    over(run, STATUS_STUCK, "the guest is stuck: halted for ever at step %" PRIu64 ", RIP %016" PRIx64,
         machine_steps(run->machine), stopped_processor(run->machine)->rip);
    return complain_over(run);
}

static bool handle_time_end(struct run *run) {
    over(run, STATUS_STUCK,
         "the end of time has come: the next event is beyond it (step %" PRIu64 ", cycle %" PRIu64 ")",
         machine_steps(run->machine), machine_cycles(run->machine));
    return complain_over(run);
}

static bool handle_idle(struct run *run) {
    if (idle(run)) return true;
    over(run, STATUS_STUCK, "the guest waits for input for ever, and %s (step %" PRIu64 ")",
         run->input_used ? "takes none" : "there is none", machine_steps(run->machine));
    return complain_over(run);
}

static bool handle_host_error(struct run *run) {
    bool differs = images_differ(run->options->images);
    over(run, STATUS_HOST_ERROR, "%s: %s (step %" PRIu64 ")%s",
         differs ? "this is not the image of the recording" : "the host failed", machine_host_error(run->machine),
         machine_steps(run->machine),
         differs ? "; use a copy from that time, or record with -record FILE,disk=full" : "");
    return complain_over(run);
}

// Whether the run goes on.
static bool handle(struct run *run, enum machine_stop why) {
    unsigned code = machine_exit_code(run->machine);
    switch (why) {
    case MACHINE_STEPS:
    case MACHINE_OBSERVED:
    case MACHINE_INTERRUPTED: return true;
    case MACHINE_IDLE: return handle_idle(run);
    case MACHINE_POWER_OFF: return over(run, power_off(run), "the guest powered off");
    case MACHINE_RESET:
        return run->options->no_reboot ? over(run, STATUS_DONE, "the guest asked for a reset")
                                       : restart(run, "the guest asked for it");
    case MACHINE_DEBUG_EXIT:
        return over(run, (enum status)((code << 1 | 1) & 0xff), "the guest wrote %u to isa-debug-exit", code);
    case MACHINE_TRIPLE_FAULT: return handle_triple_fault(run);
    case MACHINE_STUCK: return handle_stuck(run);
    case MACHINE_LOST:
        run->parted = true;
        over(run, STATUS_HOST_ERROR, "%s", *run->lost ? run->lost : "the inputs are those of another run");
        return complain_over(run);
    case MACHINE_CYCLES: return over(run, STATUS_STEP_LIMIT, "the cycle limit is reached");
    case MACHINE_TIME_END: return handle_time_end(run);
    case MACHINE_HOST_ERROR: return handle_host_error(run);
    }
    return false;
}

// What ends the run before its next step.
static bool goes_on(struct run *run, uint64_t step) {
    if (console_is_broken(run->console)) return over(run, STATUS_HOST_ERROR, "standard output cannot be written");
    if (step >= run->options->steps) return over(run, STATUS_STEP_LIMIT, "the step limit is reached");
    if (signals_ending()) return over(run, STATUS_DONE, "%s ended it", signals_name(signals_ending()));
    if (terminal_left()) return over(run, STATUS_DONE, "the user left");
    return true;
}

// Nothing runs beyond what was recorded. With nobody there to be told, that is the end of the run.
static enum run_event end_replay(struct run *run) {
    const struct options *o = run->options;
    bool person = o->monitor != MONITOR_NONE && terminal_is_person(TERMINAL_INPUT);
    if (run->monitored || person || o->stops_at_end || *o->gdb || o->monitor == MONITOR_STDIO ||
        o->monitor == MONITOR_UNIX)
        return RUN_ENDS;
    over(run, replay_status(run), "the recording ends here (%s)", replay_reason(run));
    return RUN_OVER;
}

// While the machine runs: whether somebody wants it to stop, however slowly its steps go.
static void look_for(struct run *run, bool pictures) {
    double now = host_seconds(CLOCK_MONOTONIC);
    if (now - run->looked_seconds < LOOK_SECONDS) return;
    run->looked_seconds = now;
    bool due = pictures && run->screen.due && run->screen.due(run->screen.context);
    if (signals_ending() || due || someone_asks(run)) machine_stop_soon(run->machine);
}

static void look(void *context) { look_for(context, true); }

// On a way through the past a stop is an interruption, and the moments that it passes are shown to nobody.
static void look_back(void *context) {
    struct run *run = context;
    look_for(run, false);
    progress_look(&run->progress, run->machine, false);
}

bool run_is_interrupted(const struct run *run) { return signals_ending() || signals_is_asked() || someone_asks(run); }

void run_looks(struct run *run, bool on) {
    progress_clear(&run->progress);
    machine_set_look(run->machine, on ? look_back : NULL, run);
    machine_stop_forget(run->machine);
    if (on && signals_is_asked()) machine_stop_soon(run->machine);
}

static enum run_event run_on(struct run *run, uint64_t target) {
    uint64_t hertz = run->options->machine.model.tsc_hz;
    enum machine_stop why = MACHINE_STEPS;
    machine_set_look(run->machine, look, run);
    machine_cycle_limit(run->machine, run->options->cycles);
    do {
        uint64_t step = machine_steps(run->machine);
        if (run->over) return RUN_OVER;
        at_boundary(run, step);
        (void)look_at_screen(run);
        if (!goes_on(run, step)) return RUN_OVER;
        bool looks = step % POLL_STEPS == 0 || why == MACHINE_IDLE || why == MACHINE_INTERRUPTED;
        if (signals_asked() || (looks && someone_asks(run))) return RUN_ASKED;
        if (step >= target) return RUN_TARGET;
        if (replay_at_end(run)) return end_replay(run);
        if (ended_here(run)) return RUN_OVER;
        if (run->timeline && timeline_at_last(run->timeline)) timeline_branch(run->timeline); // of a line: live again
        machine_idle_limit(run->machine, has_person(run) ? hertz / IDLE_HERTZ : UINT64_MAX);
        run->came_to_end = false;
        why = advance(run, step, least(target, next_stop(run, step)));
        if (run->came_to_end && run->stops_at_end && why == MACHINE_STEPS) return RUN_TARGET;
    } while (handle(run, why) && why != MACHINE_OBSERVED);
    note_end(run);
    return run->over ? RUN_OVER : RUN_CAUGHT;
}

enum run_event run_until(struct run *run, uint64_t target) {
    run->running = true;
    enum run_event event = run_on(run, target);
    run->running = false;
    if (run->screen.rest) run->screen.rest(run->screen.context);
    return event;
}

enum status run_end(struct run *run) {
    if (!console_flush(run->console)) run->status = STATUS_HOST_ERROR;
    char by_signal[40];
    snprintf(by_signal, sizeof by_signal, "%s ended it", signals_name(signals_ending()));
    record_close(run, run->over ? run->over_text : signals_ending() ? by_signal : "the user left");
    if (run->record_failed || run->parted) run->status = STATUS_HOST_ERROR;
    if (run->options->hash || run->options->hash_every) print_hash(run, machine_steps(run->machine));
    return run->status;
}
