// Drives a machine from its first step to its end. The host's clock decides only how long idle time lasts for a person
// who may type; what the machine does depends on nothing but its inputs and the steps at which they come.
#include "monitor/run.h"
#include "cpu/cpu.h"
#include "monitor/terminal.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
    POLL_STEPS = 1 << 20,      // between looks at the terminal: a few milliseconds
    POLL_STEPS_FULL = 1 << 14, // while the guest has not yet taken what was typed or pasted
    IDLE_HERTZ = 100,          // shorter idle times pass at once
};

static void print_hash(struct run *run, uint64_t step) {
    if (run->hashed_step == step) return;
    console_flush(run->console);
    fprintf(stderr, "hash %" PRIu64 " %016" PRIx64 "\n", step, machine_hash(run->machine));
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
    if (step < o->single_from) stop = least(stop, o->single_from);
    return stop;
}

static enum machine_stop advance(struct run *run, uint64_t step, uint64_t stop) {
    enum machine_stop why = MACHINE_STEPS;
    if (!single_stepping(run->options, step)) return machine_run(run->machine, stop - step);
    while (why == MACHINE_STEPS && step < stop && single_stepping(run->options, step)) {
        why = machine_run(run->machine, 1);
        step = machine_steps(run->machine);
    }
    return why;
}

// Whether anything new came from the terminal.
static bool read_input(struct run *run) {
    size_t room = sizeof run->input - run->input_used;
    size_t got = terminal_read(run->input + run->input_used, room);
    run->input_used += got;
    return got > 0;
}

// Gives the guest as much as it has room for. Whether it took any.
static bool feed(struct run *run) {
    unsigned port = (unsigned)run->console->stdin_port;
    size_t taken = 0;
    while (taken < run->input_used && machine_serial_room(run->machine, port) &&
           machine_serial_input(run->machine, port, run->input[taken]))
        taken++;
    memmove(run->input, run->input + taken, run->input_used - taken);
    run->input_used -= taken;
    return taken > 0;
}

// What is due at this step.
static void at_boundary(struct run *run, uint64_t step) {
    const struct options *o = run->options;
    if (o->drop_every && step % o->drop_every == 0) machine_drop_derived(run->machine);
    if (o->hash_every && step % o->hash_every == 0) print_hash(run, step);
    if (step % (run->input_used ? POLL_STEPS_FULL : POLL_STEPS) == 0) {
        console_flush(run->console);
        read_input(run);
        feed(run);
    }
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Waits as long as the guest would, or until something is typed. Whether something was; *seconds is the time it took.
static bool wait_for_input(struct run *run, double most_seconds, double *seconds) {
    double begin = seconds_now(), left;
    bool got = false;
    for (; !got && (left = most_seconds - (seconds_now() - begin)) > 0; got = read_input(run)) {
        if (!terminal_has_input() || terminal_left() || terminal_signal()) break;
        terminal_wait(left < 1000 ? (int)(left * 1000) + 1 : 1000000);
    }
    *seconds = seconds_now() - begin;
    run->waited_seconds += *seconds;
    return got;
}

// The guest waits. If input may come, time passes for it as it does for the person; else it is skipped.
// False: it waits for input that cannot come.
static bool idle(struct run *run) {
    uint64_t cycles = machine_idle_cycles(run->machine);
    double hertz = (double)machine_configuration(run->machine)->model.tsc_hz, seconds;
    console_flush(run->console);
    read_input(run);
    if (feed(run)) return true;
    if (!terminal_has_input() || (run->input_used == sizeof run->input && !terminal_is_raw()))
        return cycles != UINT64_MAX; // nobody can type, or nothing that is typed is taken
    if (wait_for_input(run, cycles == UINT64_MAX ? 1e9 : (double)cycles / hertz, &seconds)) {
        machine_idle_pass(run->machine, least((uint64_t)(seconds * hertz), cycles));
        feed(run);
    }
    return true;
}

// A reset, asked for or by a triple fault. False: leave.
static bool restart(struct run *run, enum status *status) {
    machine_reset(run->machine);
    machine_write_tables(run->machine);
    if (boot_load(run->boot, run->machine)) return true;
    *status = STATUS_HOST_ERROR;
    return false;
}

static enum status power_off(struct run *run) {
    console_flush(run->console);
    while (run->options->no_shutdown && !terminal_left() && !terminal_signal()) {
        uint8_t byte;
        terminal_wait(-1);
        (void)terminal_read(&byte, 1);
    }
    return STATUS_DONE;
}

// The processor in the shutdown state; else the first.
static const struct cpu *stopped_processor(struct machine *machine) {
    const struct cpu *cpu;
    for (unsigned i = 0; (cpu = machine_cpu(machine, i)); i++)
        if (cpu->activity == ACTIVITY_SHUTDOWN) return cpu;
    return machine_cpu(machine, 0);
}

// Whether the run goes on.
static bool handle(struct run *run, enum machine_stop why, enum status *status) {
    const struct cpu *cpu = stopped_processor(run->machine);
    uint64_t step = machine_steps(run->machine);
    *status = STATUS_DONE;
    switch (why) {
    case MACHINE_STEPS:
    case MACHINE_INTERRUPTED:
    case MACHINE_OBSERVED: return true;
    case MACHINE_IDLE:
        if (idle(run)) return true;
        complain("the guest waits for input for ever, and %s (step %" PRIu64 ")",
                 run->input_used ? "takes none" : "there is none", step);
        *status = STATUS_STUCK;
        return false;
    case MACHINE_POWER_OFF: *status = power_off(run); return false;
    case MACHINE_RESET: return !run->options->no_reboot && restart(run, status);
    case MACHINE_DEBUG_EXIT: *status = (enum status)((machine_exit_code(run->machine) << 1 | 1) & 0xff); return false;
    case MACHINE_TRIPLE_FAULT:
        if (!run->options->no_reboot) return restart(run, status);
        complain("triple fault at step %" PRIu64 ", RIP %016" PRIx64, step, cpu->rip);
        *status = STATUS_TRIPLE_FAULT;
        return false;
    case MACHINE_STUCK:
        complain("the guest is stuck: halted for ever at step %" PRIu64 ", RIP %016" PRIx64, step, cpu->rip);
        *status = STATUS_STUCK;
        return false;
    }
    return false;
}

enum status run_machine(struct run *run) {
    enum status status = STATUS_DONE;
    enum machine_stop why = MACHINE_STEPS;
    uint64_t hertz = run->options->machine.model.tsc_hz;
    do {
        uint64_t step = machine_steps(run->machine);
        at_boundary(run, step);
        if (run->console->output[0].broken) {
            status = STATUS_HOST_ERROR;
            break;
        }
        if (step >= run->options->steps) {
            status = STATUS_STEP_LIMIT;
            break;
        }
        if (terminal_left() || terminal_signal()) break;
        machine_idle_limit(run->machine, terminal_has_input() ? hertz / IDLE_HERTZ : UINT64_MAX);
        why = advance(run, step, next_stop(run, step));
    } while (handle(run, why, &status));
    if (!console_flush(run->console)) status = STATUS_HOST_ERROR;
    if (run->options->hash || run->options->hash_every) print_hash(run, machine_steps(run->machine));
    return status;
}
