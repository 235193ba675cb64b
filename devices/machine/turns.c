// Several processors, taking turns in the order of their APIC IDs.
//
// A round is a span of machine time, of TURN_CYCLES cycles or up to the next deadline of a timer if that is nearer.
// Each processor in its turn runs through the whole span: it executes instructions, or is halted, until its own time is
// at the end of the round or after it. Then the round is over, and what is due happens. So processors run side by side
// in machine time, and everything is decided by the state alone, however the run is cut into pieces. When no processor
// executes anything, time is skipped to the next deadline.
//
// Without a timing model a step is a cycle, and every turn ends exactly with its round. With one the last step of a
// turn may lead beyond: the processor then has the less of the next round, or its turn in that is over at once.
//
// What one processor does to another, by memory or by message, the other sees in its next turn: up to a round early or
// late in its own time. Time itself never goes back: a processor that reads the TSC or asks a chip sees no earlier time
// than any processor before it was told (`latest`). A timer that a processor sets for the round in progress fires at
// its end. Each local APIC's timer and each VMX-preemption timer goes by the time of its own processor.
//
// A machine with one processor takes no turns: see machine.c.
#include "devices/machine/machine_private.h"
#include "cpu/engine/cpu_run.h"

enum {
    TURN_CYCLES = 1009, // a prime: a loop of a few instructions is not at the same one of them at each end of a turn
    FAR_CYCLES = 1 << 24,
    QUIET_ROUNDS = 1 << 16, // rounds and skips without a step before the front end is asked
};

static const struct state_field fields[] = {
    STATE_ONE(struct turns, end),
    STATE_ONE(struct turns, latest),
    STATE_ONE_TO(struct turns, processor, MACHINE_CPUS - 1),
    STATE_ONE(struct turns, quiet),
};
const struct state_table turns_state = STATE_TABLE("turns", fields);

#define LONG_CYCLES (1ull << 62) // longer than any run

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t cycles_of(const struct cpu *cpu) { return cpu_cycles_now(cpu); }

static bool between_rounds(const struct machine *m) {
    return m->turns.processor == 0 && cycles_of(m->cpu[0]) >= m->turns.end;
}

static void idle_until(struct cpu *cpu, uint64_t cycle) {
    uint64_t now = cycles_of(cpu);
    if (now < cycle) cpu_idle(cpu, cycle - now);
}

// All processors are idle until `cycle`, between rounds.
static void pass_until(struct machine *m, uint64_t cycle) {
    for (unsigned i = 0; i < m->config.cpus; i++) idle_until(m->cpu[i], cycle);
    m->turns.processor = 0;
    m->turns.end = cycle;
    m->turns.quiet = 0;
}

// All begin together.
void turns_reset(struct machine *m) {
    uint64_t end = m->turns.end;
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (cycles_of(m->cpu[i]) > end) end = cycles_of(m->cpu[i]);
    pass_until(m, end);
}

// What follows from steps and surplus is not worked out yet.
static bool time_possible(const struct cpu_time *time, uint64_t *cycles) {
    *cycles = time->steps + (uint64_t)time->surplus_cycles;
    return time->steps <= LONG_CYCLES && *cycles <= LONG_CYCLES;
}

// No processor is further from the round's end than the round, and the longest instruction, are long.
bool turns_possible(const struct machine *m) {
    const struct turns *t = &m->turns;
    uint64_t cycles;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        if (!time_possible(&m->cpu[i]->time, &cycles)) return false;
        if (m->config.cpus > 1 && (cycles > t->end + FAR_CYCLES || t->end > cycles + FAR_CYCLES)) return false;
    }
    return t->processor < m->config.cpus;
}

// What is due between rounds.
static void run_events(struct machine *m) {
    uint64_t fired = m->board.clock.fired;
    for (unsigned i = 0; i < m->config.cpus; i++) lapic_tsc_changed(&m->board.lapic[i]);
    clock_run(&m->board.clock);
    if (m->board.clock.fired != fired) m->turns.quiet = 0;
}

static void begin_round(struct machine *m) {
    m->turns.end = least(m->turns.end + TURN_CYCLES, m->board.clock.next);
    m->turns.quiet = 1;
}

// At most `most` steps of the present turn; `all`: of all processors before. Sets *steps to how many it were.
static enum run_result go_on(struct machine *m, uint64_t most, uint64_t all, uint64_t *steps) {
    const struct position_limits limits = position_limits(m);
    struct turns *t = &m->turns;
    struct cpu *cpu = m->cpu[t->processor];
    uint64_t now = cycles_of(cpu), stop = t->end, before = cpu->time.steps;
    enum run_result result = RUN_HALTED;
    cpu->wire.other_steps = all - before;
    if (cpu->time.vmx_deadline_cycles <= now)
        cpu_pend(cpu, PENDING_VMX, true);
    else
        stop = least(stop, cpu->time.vmx_deadline_cycles);
    stop = least(stop, limits.cycle);
    bool fails = cpu->boundary.activity == ACTIVITY_SHUTDOWN && !cpu->intercepts.non_root;
    bool busy = cpu->boundary.activity == ACTIVITY_ACTIVE || fails || cpu->boundary.pending;
    if (busy && now < stop) result = position_run(cpu, least(most, SLICE_STEPS), stop, &limits);
    if (result == RUN_HALTED && !position_comes(m)) idle_until(cpu, stop);
    *steps = cpu->time.steps - before;
    if (*steps || (busy && now >= t->end)) t->quiet = 0;
    if (cycles_of(cpu) >= t->end) t->processor = (t->processor + 1) % m->config.cpus;
    return result;
}

// No processor has anything to execute: skips time to the next deadline. -1: go on.
static int skip(struct machine *m, bool ask) {
    uint64_t next = machine_next_deadline(m), limit = position_limits(m).round;
    if (limit < next) {
        pass_until(m, limit);
        m->turns.quiet = 1; // the same idle time goes on
        return -1;
    }
    if (!machine_can_wake(m)) return MACHINE_STUCK;
    if (ask || next == CLOCK_NEVER || (next - m->turns.end >= m->idle_limit && !m->idle_granted)) {
        m->idle_granted = true;
        return MACHINE_IDLE;
    }
    m->idle_granted = false;
    if (next > machine_last_cycle(m)) return (int)machine_no_time(m);
    m->counts.halts++;
    pass_until(m, next);
    return -1;
}

enum machine_stop turns_run(struct machine *m, uint64_t steps) {
    bool taken = false;
    uint64_t all = machine_steps(m);
    unsigned quiet_rounds = 0;
    uint64_t done = 0;
    struct cpu *ran = m->cpu[m->turns.processor];
    for (;;) {
        bool between = between_rounds(m);
        if (between) run_events(m);
        if (m->stop >= 0) {
            enum machine_stop why = (enum machine_stop)m->stop;
            m->stop = -1;
            return why;
        }
        if (steps == 0 || position_reached(m)) return MACHINE_STEPS;
        int came = machine_come_in(m);
        if (came == CAME_IN) continue;
        if (came != NOTHING_CAME) return (enum machine_stop)came;
        if (between && m->turns.end >= machine_last_cycle(m)) return machine_no_time(m);
        if (machine_asked(m, ran, done)) return MACHINE_INTERRUPTED;
        if (between) {
            quiet_rounds = taken ? 0 : quiet_rounds + 1;
            taken = false;
            if (quiet_rounds > QUIET_ROUNDS || m->turns.quiet) {
                int why = skip(m, quiet_rounds > QUIET_ROUNDS);
                if (why >= 0) return (enum machine_stop)why;
                continue;
            }
            begin_round(m);
            if (!between_rounds(m) && position_comes(m)) continue; // somebody stood here, before the first attempt
        }
        struct cpu *cpu = m->cpu[m->turns.processor];
        ran = cpu;
        enum run_result result = go_on(m, steps, all, &done);
        steps -= done;
        taken |= !m->turns.quiet;
        all += done;
        if (unlikely(result == RUN_STOPPED || cpu->observation.stop)) return machine_observed(m, cpu);
        if (result == RUN_SHUTDOWN) return MACHINE_TRIPLE_FAULT;
        int missed = result == RUN_HELD ? position_missed(m) : -1;
        if (missed >= 0) return (enum machine_stop)missed;
    }
}

bool turns_idle_pass(struct machine *m, uint64_t cycles) {
    if (!between_rounds(m) || !m->turns.quiet) return false;
    uint64_t next = machine_next_deadline(m), end = m->turns.end;
    pass_until(m, least(next, cycles > CLOCK_NEVER - end ? CLOCK_NEVER : end + cycles));
    m->turns.quiet = m->turns.end != next;
    run_events(m);
    return true;
}

void turns_settle(struct machine *m) {
    if (between_rounds(m)) run_events(m);
}
