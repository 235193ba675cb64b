// Running for gdb: continue, step, step through a range, and what to say when the machine stops.
//
// A step of a level ends before the next instruction that this level begins on that processor: what levels below do in
// between (an exit and the way back), and other processors, runs through. Signals mean nothing to a machine.
#include "monitor/gdb/gdb_private.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/observing.h"
#include <stdio.h>
#include <string.h>

enum { SLICE_STEPS = 1 << 20, STEPS_BETWEEN_LOOKS = 64 };

// --- stop replies ---

void gdb_stop_reply(struct gdb *gdb, unsigned signal) {
    if (gdb->over) {
        gdb_text_print(&gdb->reply, gdb->multiprocess ? "W00;process:%x" : "W00", gdb->stopped.level + 1);
        return;
    }
    gdb_text_print(&gdb->reply, "T%02xthread:", signal);
    gdb_print_thread(gdb, &gdb->reply, gdb->stopped);
    gdb_text_print(&gdb->reply, ";%s", gdb->stop_reason);
}

// --- running ---

enum ran { RAN_ON, RAN_STOPPED, RAN_INTERRUPTED, RAN_OVER };

// Whether ^C has come, or the client has gone.
static bool interrupted(struct gdb *gdb) {
    if (!gdb_receive(gdb, 0)) gdb_disconnect(gdb);
    while (gdb_connected(gdb) && gdb->in_used) {
        enum gdb_arrived arrived = gdb_next_packet(gdb);
        if (arrived == GDB_INTERRUPT) return true;
        if (arrived == GDB_NOTHING) break;
    }
    return !gdb_connected(gdb);
}

// ^C may have come together with the packet before it: then nothing is left on the socket that would tell of it.
static bool is_interrupted_already(struct gdb *gdb) {
    size_t acknowledged = 0;
    while (acknowledged < gdb->in_used && gdb->in[acknowledged] == '+') acknowledged++;
    return acknowledged < gdb->in_used && gdb->in[acknowledged] == 3 && gdb_next_packet(gdb) == GDB_INTERRUPT;
}

static enum ran run(struct gdb *gdb) {
    for (;;) {
        switch (gdb->host.run(gdb->host.context, SLICE_STEPS)) {
        case GDB_STOPPED: return RAN_STOPPED;
        case GDB_OVER: return RAN_OVER;
        case GDB_CAME_TO_END: snprintf(gdb->stop_reason, sizeof gdb->stop_reason, "replaylog:end;"); return RAN_STOPPED;
        case GDB_RAN: break;
        }
        if (interrupted(gdb)) return RAN_INTERRUPTED;
        if (gdb->host.leave && gdb->host.leave(gdb->host.context)) return RAN_OVER;
    }
}

// --- stepping ---

static void see_step(void *context, struct cpu *cpu, const struct sight *sight) {
    struct gdb *gdb = context;
    (void)sight;
    if (cpu == gdb_cpu(gdb, gdb->stepping)) cpu_stop(cpu);
}

void gdb_run_init(struct gdb *gdb) { gdb->stepper = (struct observer){.context = gdb, .see = see_step}; }

static bool level_runs(const struct gdb *gdb) { return vmx_level(gdb_cpu(gdb, gdb->stepping)) == gdb->stepping.level; }

// To the next instruction of the level, or an earlier stop. While the level runs each instruction is looked at, while
// it waits only entries and exits are.
static enum ran step_once(struct gdb *gdb) {
    struct machine *machine = gdb->host.machine;
    enum ran ran;
    bool was_there = level_runs(gdb), done = false;
    gdb->stepper.wanted = was_there ? BIT(OBSERVE_INSTRUCTION) : BIT(OBSERVE_ENTRY) | BIT(OBSERVE_EXIT);
    machine_add_observer(machine, &gdb->stepper);
    do {
        ran = run(gdb);
        bool there = level_runs(gdb);
        done = ran != RAN_STOPPED || gdb->stop_reason[0] || there;
        if (there != was_there && !done) {
            gdb->stepper.wanted = BIT(OBSERVE_ENTRY) | BIT(OBSERVE_EXIT);
            machine_observers_changed(machine);
        }
        was_there = there;
    } while (!done);
    machine_remove_observer(machine, &gdb->stepper);
    return ran;
}

static enum ran step_range(struct gdb *gdb, uint64_t start, uint64_t end) {
    for (unsigned n = 1;; n++) {
        enum ran ran = step_once(gdb);
        uint64_t rip = gdb_cpu(gdb, gdb->stepping)->rip;
        if (ran != RAN_STOPPED || gdb->stop_reason[0] || !level_runs(gdb) || rip < start || rip >= end) return ran;
        if (n % STEPS_BETWEEN_LOOKS == 0 && interrupted(gdb)) return RAN_INTERRUPTED;
        machine_pass_points(gdb->host.machine, gdb->stepping.cpu);
    }
}

// Something else runs than the level that is shown: gdb prints this.
static void tell_level(struct gdb *gdb) {
    unsigned running = vmx_level(gdb_cpu(gdb, gdb->stopped));
    char text[100];
    if (running == gdb->stopped.level || !gdb_connected(gdb)) return;
    int n = snprintf(text, sizeof text, "Level %u runs on processor %u: inferior of process %u.\n", running,
                     gdb->stopped.cpu, running + 1);
    gdb_tell(gdb, text, (size_t)n);
}

void gdb_resume(struct gdb *gdb, const struct gdb_thread *step, uint64_t start, uint64_t end) {
    gdb->stop_reason[0] = 0;
    if (!gdb->over) {
        machine_pass_points(gdb->host.machine, gdb->stopped.cpu);
        if (step) gdb->stepping = *step;
        if (step) machine_pass_points(gdb->host.machine, step->cpu);
        enum ran ran = is_interrupted_already(gdb) ? RAN_INTERRUPTED : step ? step_range(gdb, start, end) : run(gdb);
        gdb->over = ran == RAN_OVER;
        gdb_stopped_at(gdb, machine_turn(gdb->host.machine));
        if (step && ran == RAN_STOPPED && !gdb->stop_reason[0] && level_runs(gdb))
            gdb->stopped = *step;
        else if (ran == RAN_STOPPED)
            gdb_stopped_at(gdb, machine_observed_cpu(gdb->host.machine));
        gdb->general = gdb->stopped;
        if (!gdb->over) tell_level(gdb);
        if (ran == RAN_STOPPED && gdb->host.caught) gdb->host.caught(gdb->host.context, gdb_tell, gdb);
        gdb->interrupted = ran == RAN_INTERRUPTED;
    }
    gdb_stop_reply(gdb, gdb->interrupted ? GDB_SIGNAL_INT : GDB_SIGNAL_TRAP);
    gdb->interrupted = false;
}

// --- packets ---

void gdb_answer_can_resume(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_text_print(&gdb->reply, "vCont;c;C;s;S;t;r");
}

struct action {
    char what; // c, s, r, t
    uint64_t start, end;
    struct gdb_thread thread;
    bool any;
};

static bool take_action(const struct gdb *gdb, const char **text, struct action *a) {
    uint64_t signal = 0;
    *a = (struct action){.what = **text, .thread = gdb->stopped, .any = true};
    if (!**text) return false;
    ++*text;
    bool with_signal = a->what == 'C' || a->what == 'S';
    if (with_signal && !gdb_take_hex(text, &signal)) return false;
    if (with_signal) a->what = a->what == 'C' ? 'c' : 's';
    if (a->what == 'r' && (!gdb_take_hex(text, &a->start) || !gdb_take_char(text, ',') || !gdb_take_hex(text, &a->end)))
        return false;
    if (a->what != 'c' && a->what != 's' && a->what != 'r' && a->what != 't') return false;
    if (gdb_take_char(text, ':') && !gdb_take_thread(gdb, text, &a->thread, &a->any)) return false;
    return !**text || (gdb_take_char(text, ';') && **text);
}

// One thread may be stepped; all others run as the machine makes them run.
void gdb_answer_resume(struct gdb *gdb, const char *arguments) {
    struct action a, step = {0};
    do {
        if (!take_action(gdb, &arguments, &a)) {
            gdb_error(gdb);
            return;
        }
        if ((a.what == 's' || a.what == 'r') && !step.what) step = a;
    } while (*arguments);
    gdb_resume(gdb, step.what ? &step.thread : NULL, step.start, step.end);
}

// Nobody goes on at another address than where the processor stands: that would have to be written first.
static void resume_here(struct gdb *gdb, const char *arguments, const struct gdb_thread *step) {
    if (*arguments)
        gdb_error(gdb);
    else
        gdb_resume(gdb, step, 0, 0);
}

static void resume_with_signal(struct gdb *gdb, const char *arguments, const struct gdb_thread *step) {
    uint64_t signal = 0;
    if (gdb_take_hex(&arguments, &signal))
        resume_here(gdb, arguments, step);
    else
        gdb_error(gdb);
}

void gdb_answer_continue(struct gdb *gdb, const char *arguments) { resume_here(gdb, arguments, NULL); }
void gdb_answer_step(struct gdb *gdb, const char *arguments) { resume_here(gdb, arguments, &gdb->resumed); }
void gdb_answer_continue_signal(struct gdb *gdb, const char *arguments) { resume_with_signal(gdb, arguments, NULL); }
void gdb_answer_step_signal(struct gdb *gdb, const char *arguments) {
    resume_with_signal(gdb, arguments, &gdb->resumed);
}

// --- back ---

static void forget_reason(void *whom) { ((struct gdb *)whom)->stop_reason[0] = 0; }
static void keep_reason(void *whom) {
    struct gdb *gdb = whom;
    memcpy(gdb->kept_reason, gdb->stop_reason, sizeof gdb->kept_reason);
}
static void recall_reason(void *whom) {
    struct gdb *gdb = whom;
    memcpy(gdb->stop_reason, gdb->kept_reason, sizeof gdb->stop_reason);
}

// Where the machine stands now, somewhere in its past. General registers of guests that were left since are not known.
void gdb_moved(struct gdb *gdb) {
    for (unsigned i = 0; i < sizeof gdb->saved / sizeof *gdb->saved; i++) gdb->saved[i].used = false;
    gdb_stopped_at(gdb, machine_turn(gdb->host.machine));
    gdb->general = gdb->stopped;
}

static void arrived(struct gdb *gdb, enum gdb_back back, const struct gdb_thread *step) {
    gdb->over = false;
    gdb_moved(gdb);
    if (step && back == GDB_BACK_STOPPED && vmx_level(gdb_cpu(gdb, *step)) == step->level) gdb->stopped = *step;
    gdb->general = gdb->stopped;
    tell_level(gdb);
    if (back == GDB_BACK_BEGINNING) snprintf(gdb->stop_reason, sizeof gdb->stop_reason, "replaylog:begin;");
    gdb_stop_reply(gdb, back == GDB_BACK_INTERRUPTED ? GDB_SIGNAL_INT : GDB_SIGNAL_TRAP);
}

void gdb_answer_continue_back(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    if (!gdb->host.back) return;
    gdb->stop_reason[0] = 0;
    const struct gdb_reason reason = {gdb, forget_reason, keep_reason, recall_reason};
    enum gdb_back back = gdb->host.back(gdb->host.context, &reason);
    if (back == GDB_BACK_STOPPED && gdb->host.caught) gdb->host.caught(gdb->host.context, gdb_tell, gdb);
    arrived(gdb, back, NULL);
}

void gdb_answer_step_back(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    if (!gdb->host.back_step) return;
    const struct gdb_thread step = gdb->resumed;
    enum gdb_back back = gdb->host.back_step(gdb->host.context, step.level, step.cpu);
    gdb->stop_reason[0] = 0;
    arrived(gdb, back, &step);
}
