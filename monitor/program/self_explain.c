// -why; see self_explain.h.
#include "monitor/program/self_explain.h"
#include "devices/machine/machine_observe.h"
#include "monitor/causes/exits.h"
#include "monitor/causes/spin.h"
#include "monitor/host/console.h"
#include "monitor/host/terminal.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>
#include <stdlib.h>

enum {
    TOLD_AT_MOST = 8,    // explanations while the guest runs: what comes again and again is counted
    LOOP_TIMES = 100000, // the same exit in a row without progress
};

struct self_explain {
    struct monitor *monitor;
    struct observer observer;
    struct output errors; // where it is written
    unsigned told;
    uint64_t seen[TOLD_AT_MOST]; // what was told: what and where
    uint64_t again;              // and came again, or was one too many
    bool told_loop, told_spin;
};

// --- when it happens ---

// Whether this is new, and to be told.
static bool is_new(struct self_explain *s, uint64_t what) {
    for (unsigned i = 0; i < s->told; i++)
        if (s->seen[i] == what) {
            s->again++;
            return false;
        }
    if (s->told == TOLD_AT_MOST) {
        s->again++;
        return false;
    }
    s->seen[s->told++] = what;
    return true;
}

// What the guest printed before comes first.
static struct output *begin_telling(struct self_explain *s, unsigned processor) {
    struct run *run = s->monitor->run;
    console_flush(run->console);
    progress_clear(&run->progress);
    s->monitor->look.processor = processor;
    return monitor_print_to(s->monitor, &s->errors);
}

static void end_telling(struct self_explain *s, struct output *before, unsigned processor) {
    output_flush(&s->errors);
    s->monitor->look.processor = processor;
    monitor_print_to(s->monitor, before);
}

static void explain(struct self_explain *s, unsigned processor, const struct sight *sight) {
    const struct history_cpu *c = machine_history_cpu(s->monitor->look.machine, processor);
    unsigned looked_at = s->monitor->look.processor;
    if (!c || (s->monitor->run->timeline && s->monitor->run->console->silent)) return; // it was told when it was new
    bool failed = sight->kind == OBSERVE_FAILED_ENTRY;
    if (!is_new(s, (failed ? sight->number : 0) ^ (failed ? c->failure.rip : c->triple.rip) << 8 ^ sight->kind)) return;
    struct output *before = begin_telling(s, processor);
    if (failed)
        why_failure(s->monitor, &c->failure);
    else
        why_triple(s->monitor, c);
    why_refused(s->monitor, machine_history(s->monitor->look.machine), c, failed ? c->failure.step : c->triple.step);
    end_telling(s, before, looked_at);
}

static void see(void *context, struct cpu *cpu, const struct sight *sight) { explain(context, cpu->id, sight); }

// --- now and then: a guest that does not get on ---

static bool tell_loop(struct self_explain *s, unsigned processor) {
    const struct history_cpu *c = machine_history_cpu(s->monitor->look.machine, processor);
    for (unsigned level = 1; c && level < HISTORY_LEVELS; level++) {
        if (c->loop[level].times < LOOP_TIMES) continue;
        unsigned looked_at = s->monitor->look.processor;
        struct output *before = begin_telling(s, processor);
        exits_tell_loop(s->monitor, level, &c->loop[level]);
        end_telling(s, before, looked_at);
        return true;
    }
    return false;
}

static bool tell_spin(struct self_explain *s, unsigned processor) {
    struct fact fact;
    if (!spin_facts(s->monitor->look.machine, processor, &fact, 1)) return false;
    unsigned looked_at = s->monitor->look.processor;
    struct output *before = begin_telling(s, processor);
    print_in(s->monitor, RED, "processor %u spins: %s\n", processor, fact.text);
    print_values(s->monitor, &fact);
    end_telling(s, before, looked_at);
    return true;
}

static void polled(void *context) {
    struct self_explain *s = context;
    struct machine *machine = s->monitor->look.machine;
    for (unsigned i = 0; machine_cpu(machine, i); i++) {
        if (!s->told_loop) s->told_loop = tell_loop(s, i);
        if (!s->told_spin && !i) s->told_spin = tell_spin(s, i);
    }
}

// --- begin and end ---

static bool is_wanted(const struct options *o) {
    return o->why == WHY_ON || (o->why == WHY_DEFAULT && terminal_is_person(TERMINAL_OUTPUT));
}

struct self_explain *self_explain_begin(struct monitor *monitor) {
    if (!is_wanted(monitor->run->options) || !vmx_history(machine_cpu(monitor->look.machine, 0))) return NULL;
    struct self_explain *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->monitor = monitor;
    s->errors.fd = OUTPUT_ERRORS;
    s->observer =
        (struct observer){.wanted = BIT(OBSERVE_FAILED_ENTRY) | BIT(OBSERVE_TRIPLE_FAULT), .context = s, .see = see};
    machine_add_observer(monitor->look.machine, &s->observer);
    monitor->run->polled = polled;
    monitor->run->polled_context = s;
    return s;
}

// What was explained when it happened is not told again.
static void tell_end(struct self_explain *s) {
    struct monitor *monitor = s->monitor;
    const struct history *h = machine_history(monitor->look.machine);
    const struct history_cpu *c = machine_history_cpu(monitor->look.machine, monitor->look.processor);
    bool stuck = monitor->run->over && monitor->run->status == STATUS_STUCK;
    struct output *before = begin_telling(s, monitor->look.processor);
    if (s->again)
        print(monitor, "%" PRIu64 " more VM entries failed, or triple faults came, that are not explained\n", s->again);
    if (!s->told && h && c) why_refused(monitor, h, c, 0);
    if (stuck && h && h->lost) why_lost(monitor, h);
    if (stuck) why_interrupt(monitor);
    for (unsigned level = 1; stuck && !s->told_loop && c && level < HISTORY_LEVELS; level++)
        if (exit_loop(c, level)) exits_tell_loop(monitor, level, exit_loop(c, level));
    end_telling(s, before, monitor->look.processor);
}

void self_explain_end(struct self_explain *s) {
    if (!s) return;
    machine_remove_observer(s->monitor->look.machine, &s->observer);
    s->monitor->run->polled = NULL;
    tell_end(s);
    output_free(&s->errors);
    free(s);
}
