// The machine: its life and its loop. See machine.h.
//
// The loop runs the one processor (of several: turns.c) up to the next deadline of any timer, at most; so every event
// comes at its cycle, however the run is cut into pieces. A halted processor's time is skipped to the next deadline.
#include "cpu/decode/insn.h"
#include "devices/bus/refuse.h"
#include "cpu/processor/observing.h"
#include "cpu/watch/each.h"
#include "cpu/timing/model.h"
#include "vmx/exit/crossing.h"
#include "devices/machine/machine_private.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/processor.h"
#include <stdlib.h>

enum { IDLE_EVENTS = 1 << 16 }; // timer events without a step before the front end is asked

// --- what the board asks of the machine ---
static uint64_t now_cycles(void *machine) { return machine_now(machine); }
static uint64_t local_cycles(void *machine) { return machine_local_now(machine); }
static void come_back(struct machine *m) { m->cpu[m->turns.processor]->attention |= ATTENTION_MACHINE; }
static void deadline_moved(void *machine) {
    struct machine *m = machine;
    if (m->config.cpus == 1) come_back(m); // else it can wait until the round is over
}
static void stop_asked(void *machine, enum machine_stop why) {
    struct machine *m = machine;
    m->stop = (int)why;
    come_back(m);
}

// --- life ---
static bool config_valid(const struct machine_config *c, char *error, size_t size) {
    if (c->cpus < 1 || c->cpus > MACHINE_CPUS)
        return refuse(error, size, "%u processors: 1 to %d can be had", c->cpus, MACHINE_CPUS);
    if (c->ram_bytes < 1 << 20 || c->ram_bytes % MEMORY_PAGE || c->ram_bytes > 1ull << 40)
        return refuse(error, size, "%llu bytes of RAM: a multiple of 4096 from 1 MByte to 1 TByte can be had",
                      (unsigned long long)c->ram_bytes);
    if (c->serial_ports > MACHINE_SERIAL_PORTS)
        return refuse(error, size, "%u serial ports: 0 to %d can be had", c->serial_ports, MACHINE_SERIAL_PORTS);
    if (c->timing && !timing_model_name(c->timing - 1, NULL))
        return refuse(error, size, "there is no timing model %u", c->timing);
    if (c->model.tsc_hz < 1000000 || c->model.tsc_hz > 1ull << 40 || !c->model.crystal_hz ||
        c->model.crystal_hz > c->model.tsc_hz)
        return refuse(error, size, "the processor model has no usable TSC and crystal frequencies");
    return true;
}

static bool has_feature(const void *model, unsigned feature) { return cpu_model_has(model, (enum feature)feature); }

// A model for a processor, with caches and predictors that know nothing yet.
static struct timing_model *timing_for(struct machine *m, unsigned index, uint32_t timing) {
    struct timing_model *model = timing_model_new(timing_model_name(timing - 1, NULL), vmx_crossing);
    if (model) timing_model_begin(model, m->cpu[index]);
    return model;
}

static bool build_timing(struct machine *m, unsigned index) {
    if (!m->config.timing) return true;
    m->timing[index] = timing_for(m, index, m->config.timing);
    if (m->timing[index]) cpu_set_timing(m->cpu[index], timing_model_timing(m->timing[index]));
    return m->timing[index];
}

static bool build_cpu(struct machine *m, unsigned index) {
    struct cpu *cpu = cpu_new(&m->config.model, m->decoder, &m->platform, index);
    if (!cpu) return false;
    m->cpu[index] = cpu;
    if (m->config.cpus > 1) cpu->wire.latest_cycles = &m->turns.latest;
    cpu->random_state = m->config.seed * 0x9e3779b97f4a7c15 + index + 1;
    if (cpu_model_has(&m->config.model, FEATURE_VMX) && !vmx_attach(cpu)) return false;
    if (index) vmx_share(cpu, m->cpu[0]);
    board_add_cpu(&m->board, cpu);
    return build_timing(m, index);
}

static bool build(struct machine *m, char *error, size_t size) {
    const struct row_set sets[] = {cpu_rows, vmx_rows};
    m->decoder = decoder_new(sets, 2, has_feature, &m->config.model);
    if (!m->decoder || !memory_init_split(&m->memory, m->config.ram_bytes, machine_config_low_limit(&m->config)))
        return false;
    clock_init(&m->board.clock, m->config.model.tsc_hz, now_cycles, deadline_moved, m);
    m->board.clock.local = local_cycles;
    if (!board_init(&m->board, &m->config, &m->memory, error, size)) return false;
    m->board.stop = stop_asked;
    m->board.owner = m;
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (!build_cpu(m, i)) return false;
    return machine_describe(m, error, size);
}

struct machine *machine_new(const struct machine_config *config, char *error, size_t error_size) {
    if (!config_valid(config, error, error_size)) return NULL;
    struct machine *m = calloc(1, sizeof *m);
    if (m) {
        m->config = *config;
        m->config.model.processors = config->cpus;
        m->platform = machine_platform;
        m->platform.machine = m;
        m->platform.pages = &m->memory.pages;
        m->idle_limit = m->cycle_limit = ~0ull;
    }
    if (error_size) *error = '\0';
    if (!m || !build(m, error, error_size)) {
        if (error_size && !*error) refuse(error, error_size, "not enough memory for the machine");
        machine_free(m);
        return NULL;
    }
    machine_reset(m);
    return m;
}

void machine_free(struct machine *m) {
    if (!m) return;
    for (unsigned i = 0; i < MACHINE_CPUS; i++) {
        if (!m->cpu[i]) continue;
        if (m->cpu[i]->wire.extension) vmx_detach(m->cpu[i]);
        cpu_free(m->cpu[i]);
        timing_model_free(m->timing[i]);
    }
    machine_drop_offers(m);
    decoder_free(m->decoder);
    board_free(&m->board);
    memory_free(&m->memory);
    free(m);
}

void machine_reset(struct machine *m) {
    if (m->config.cpus > 1) turns_reset(m);
    board_reset(&m->board); // first: IA32_APIC_BASE.BSP decides how a processor begins
    for (unsigned i = 0; i < m->config.cpus; i++) cpu_reset(m->cpu[i], false);
    machine_begin(m);
    machine_apply_boot(m);
    m->stop = -1;
    m->idle_granted = false;
}

// --- the loop ---
uint64_t machine_next_deadline(const struct machine *m) {
    uint64_t next = m->board.clock.next;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        uint64_t vmx = m->cpu[i]->time.vmx_deadline_cycles;
        if (vmx > machine_now(m) && vmx < next) next = vmx;
    }
    return next;
}

// Everything that is due at the present cycle.
static void run_events(struct machine *m) {
    for (unsigned i = 0; i < m->config.cpus; i++) lapic_tsc_changed(&m->board.lapic[i]);
    clock_run(&m->board.clock);
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (m->cpu[i]->time.vmx_deadline_cycles <= machine_now(m)) cpu_pend(m->cpu[i], PENDING_VMX, true);
}

// Whether an event could wake a processor that is halted, or in the shutdown state of a guest: an interrupt that can
// come, and is taken or leaves VMX non-root operation; the VMX-preemption timer. SDM Vol. 3C, 25.2, 25.5.1.
static bool may_wake(const struct machine *m, unsigned index) {
    const struct cpu *cpu = m->cpu[index];
    uint32_t activity = cpu->boundary.activity;
    bool preempted = cpu->intercepts.non_root && cpu->time.vmx_deadline_cycles != ~0ull;
    if (activity == ACTIVITY_SHUTDOWN) return preempted;
    if (activity != ACTIVITY_HLT) return false;
    bool listens = cpu->rflags & FLAG_IF || cpu->boundary.mwait == MWAIT_MASKED ||
                   (cpu->intercepts.non_root && vmx_interrupt_exits(cpu));
    return preempted || (listens && board_can_interrupt(&m->board, index));
}

// Whether any event at all could end the halt of all.
bool machine_can_wake(const struct machine *m) {
    if (ioapic_has_nmi(&m->board.ioapic)) return true;
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (may_wake(m, i)) return true;
    return false;
}

// All processors are halted: skips time to the next deadline. -1: go on.
static int skip_idle(struct machine *m, unsigned *events, uint64_t limit) {
    uint64_t next = machine_next_deadline(m), now = machine_now(m), cycles = next - now;
    if (next <= now) return -1; // the last step took the time beyond it
    if (limit < next) {
        cpu_idle(m->cpu[0], limit - now);
        return -1;
    }
    if (!machine_can_wake(m)) return MACHINE_STUCK;
    bool ask = next == CLOCK_NEVER || ++*events > IDLE_EVENTS || (cycles >= m->idle_limit && !m->idle_granted);
    if (ask) {
        m->idle_granted = true;
        return MACHINE_IDLE;
    }
    m->idle_granted = false;
    if (next > machine_last_cycle(m)) return (int)machine_no_time(m);
    m->counts.halts++;
    cpu_idle(m->cpu[0], cycles);
    return -1;
}

// Up to the next event, or until the step `end`, or until it is time to look whether somebody wants the machine to
// stop.
static enum run_result run_slice(struct machine *m, uint64_t end, const struct position_limits *limits) {
    uint64_t steps = end - m->cpu[0]->time.steps, cycle = machine_next_deadline(m), last = machine_last_cycle(m);
    return position_run(m->cpu[0], steps < SLICE_STEPS ? steps : SLICE_STEPS, cycle < last ? cycle : last, limits);
}

uint64_t machine_last_cycle(const struct machine *m) {
    return m->cycle_limit < m->board.clock.end ? m->cycle_limit : m->board.clock.end;
}

enum machine_stop machine_no_time(const struct machine *m) {
    return m->cycle_limit < m->board.clock.end ? MACHINE_CYCLES : MACHINE_TIME_END;
}

// A slice of steps, or CPU_WORK units of what is slow, or many short ones: then it is time to look.
bool machine_asked(struct machine *m, struct cpu *cpu, uint64_t steps) {
    enum { STEP_WORK = 16, ROUND_WORK = 500 };
    m->unlooked += ROUND_WORK + STEP_WORK * (int64_t)steps + CPU_WORK - cpu->attempt.work_left;
    cpu->attempt.work_left = CPU_WORK;
    if (m->unlooked > SLICE_STEPS * STEP_WORK) {
        m->unlooked = 0;
        if (m->look) m->look(m->look_context);
    }
    return __atomic_load_n(&m->interrupted, __ATOMIC_RELAXED) &&
           __atomic_exchange_n(&m->interrupted, 0, __ATOMIC_RELAXED);
}

enum machine_stop machine_run(struct machine *m, uint64_t steps) {
    if (*m->board.host_error) return MACHINE_HOST_ERROR;
    if (m->config.cpus > 1) return turns_run(m, steps);
    struct cpu *cpu = m->cpu[0];
    uint64_t end = steps > ~0ull - cpu->time.steps ? ~0ull : cpu->time.steps + steps;
    unsigned idle_events = 0;
    uint64_t before = cpu->time.steps;
    for (;;) {
        run_events(m);
        if (m->stop >= 0) {
            enum machine_stop why = (enum machine_stop)m->stop;
            m->stop = -1;
            return why;
        }
        if (each_step_wanted(cpu) && each_step_tell(cpu)) return MACHINE_OBSERVED;
        if (cpu->time.steps >= end || position_reached(m)) return MACHINE_STEPS;
        int came = machine_come_in(m);
        if (came == CAME_IN) continue;
        if (came != NOTHING_CAME) return (enum machine_stop)came;
        if (machine_now(m) >= machine_last_cycle(m)) return machine_no_time(m);
        if (machine_asked(m, cpu, cpu->time.steps - before)) return MACHINE_INTERRUPTED;
        before = cpu->time.steps;
        const struct position_limits limits = position_limits(m);
        enum run_result result = run_slice(m, end, &limits);
        if (cpu->time.steps != before) idle_events = 0;
        if (unlikely(result == RUN_STOPPED || cpu->observation.stop)) return machine_observed(m, cpu);
        if (result == RUN_SHUTDOWN) return MACHINE_TRIPLE_FAULT;
        int why = result == RUN_HELD ? position_missed(m) : -1;
        if (why >= 0) return (enum machine_stop)why;
        if (result != RUN_HALTED || cpu->time.steps >= end || m->stop >= 0 || position_comes(m)) continue;
        why = skip_idle(m, &idle_events, limits.cycle);
        if (why >= 0) return (enum machine_stop)why;
    }
}

void machine_cycle_limit(struct machine *m, uint64_t cycle) { m->cycle_limit = cycle; }
void machine_set_look(struct machine *m, void (*look)(void *), void *context) {
    m->look = look;
    m->look_context = context;
}
void machine_idle_limit(struct machine *m, uint64_t cycles) { m->idle_limit = cycles; }

uint64_t machine_idle_cycles(const struct machine *m) {
    uint64_t next = machine_next_deadline(m), now = machine_now(m);
    if (next == CLOCK_NEVER) return CLOCK_NEVER;
    return next > now ? next - now : 0;
}

bool machine_idle_pass(struct machine *m, uint64_t cycles) {
    if (m->config.cpus > 1) return turns_idle_pass(m, cycles);
    if (m->cpu[0]->boundary.activity != ACTIVITY_HLT) return false;
    uint64_t most = machine_idle_cycles(m);
    cpu_idle(m->cpu[0], cycles < most ? cycles : most);
    run_events(m);
    return true;
}

void machine_settle(struct machine *m) {
    if (m->config.cpus > 1)
        turns_settle(m);
    else
        run_events(m);
}

void machine_set_timing(struct machine *m, unsigned processor, const struct timing *timing) {
    if (processor < m->config.cpus) cpu_set_timing(m->cpu[processor], timing);
}

bool machine_switch_timing(struct machine *m, uint32_t timing) {
    struct timing_model *model[MACHINE_CPUS] = {NULL};
    bool made = !timing || timing_model_name(timing - 1, NULL);
    for (unsigned i = 0; i < m->config.cpus && timing && made; i++) made = (model[i] = timing_for(m, i, timing));
    for (unsigned i = 0; i < m->config.cpus && made; i++) {
        struct timing_model *before = m->timing[i];
        m->timing[i] = model[i], model[i] = before;
        cpu_set_timing(m->cpu[i], timing ? timing_model_timing(m->timing[i]) : NULL);
    }
    for (unsigned i = 0; i < m->config.cpus; i++) timing_model_free(model[i]);
    if (!made) return false;
    m->config.timing = timing;
    machine_drop_derived(m);
    return true;
}

const struct timing_account *machine_timing_account(const struct machine *m, unsigned processor) {
    bool modelled = processor < m->config.cpus && m->timing[processor];
    return modelled ? timing_model_account(m->timing[processor]) : NULL;
}

void machine_stop_soon(struct machine *m) { __atomic_store_n(&m->interrupted, 1, __ATOMIC_RELAXED); }
void machine_stop_forget(struct machine *m) { __atomic_store_n(&m->interrupted, 0, __ATOMIC_RELAXED); }
const char *machine_host_error(const struct machine *m) { return m->board.host_error; }
uint32_t machine_exit_code(const struct machine *m) { return m->board.exit_code; }
