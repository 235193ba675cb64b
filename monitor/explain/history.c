// What VT-x did since the monitor is attached; see history.h.
#include "monitor/explain/history.h"
#include "devices/machine/machine_observe.h"
#include "monitor/commands/command.h"
#include <stdlib.h>
#include <string.h>

#define WANTED                                                                                                         \
    (BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_FAILED_ENTRY) | BIT(OBSERVE_EXCEPTION) |                     \
     BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EVENT_INJECTED) | BIT(OBSERVE_TRIPLE_FAULT))

// Of the machine; a sight has the processor's.
static uint64_t step_of(const struct history *h, const struct cpu *cpu, const struct sight *sight) {
    return h->alone ? sight->step : machine_steps(h->monitor->look.machine) - cpu->time.steps + sight->step;
}

static uint64_t field(const struct cpu *cpu, uint64_t vmcs, enum vmcs_field which) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(cpu, vmcs, which, &value);
    return value;
}

// --- exits ---
// This and the entries are what a run under the monitor pays for: they write once, where it stays, and call little.

// No progress: the guest was entered where it left, and left there again without having retired an instruction.
static bool is_stuck(const struct history_loop *l, const struct cpu *cpu, const struct sight *s, uint64_t step) {
    const struct history_exit *last = &l->exit;
    return l->entry_rip == s->rip && step - l->entry_step <= 1 && last->reason == s->number && last->rip == s->rip &&
           last->qualification == s->value && last->physical == s->physical && last->linear == s->linear &&
           last->interruption == (uint32_t)s->old && !memcmp(last->gpr, cpu->gpr, sizeof last->gpr);
}

static void see_exit(struct history *h, struct cpu *cpu, const struct sight *sight) {
    struct history_cpu *c = &h->cpu[cpu->id];
    uint64_t step = step_of(h, cpu, sight), vmcs = vmx_current_vmcs(cpu);
    unsigned level = vmx_level(cpu);
    struct history_loop *l = &c->loop[level];
    struct history_exit *e = &l->exit;
    if (is_stuck(l, cpu, sight, step)) {
        l->times++;
    } else {
        l->times = 0;
        l->first_step = step;
    }
    e->step = step;
    e->rip = sight->rip;
    e->vmcs = vmcs;
    e->qualification = sight->value;
    e->linear = sight->linear;
    e->physical = sight->physical;
    e->reason = sight->number;
    e->interruption = (uint32_t)sight->old;
    e->error_code = (uint32_t)sight->information;
    e->vectoring = (uint32_t)field(cpu, vmcs, FIELD_IDT_VECTORING);
    e->level = level;
    memcpy(e->gpr, cpu->gpr, sizeof e->gpr);
    c->has_exit = true;
    c->exit_level = level;
    history_event_exit(h, cpu, e);
    history_vmcs12_exit(h, cpu, sight, level);
}

// --- entries ---

const struct history_vmcs *history_entry(const struct history *h, uint64_t vmcs) {
    for (unsigned i = 0; i < HISTORY_VMCSS; i++)
        if (h->vmcs[i].used && h->vmcs[i].pointer == vmcs) return &h->vmcs[i];
    return NULL;
}

// The place of this VMCS, or that of the one not used for the longest time.
static struct history_vmcs *place(struct history *h, uint64_t vmcs) {
    struct history_vmcs *oldest = &h->vmcs[0];
    if (h->latest && h->latest->pointer == vmcs) return h->latest;
    for (unsigned i = 0; i < HISTORY_VMCSS; i++) {
        if (h->vmcs[i].used && h->vmcs[i].pointer == vmcs) return &h->vmcs[i];
        if (h->vmcs[i].used < oldest->used) oldest = &h->vmcs[i];
    }
    return oldest;
}

static void see_entry(struct history *h, struct cpu *cpu, const struct sight *sight) {
    struct history_vmcs *v = place(h, sight->physical);
    uint64_t step = step_of(h, cpu, sight);
    unsigned level = vmx_level(cpu);
    struct history_loop *l = &h->cpu[cpu->id].loop[level];
    v->pointer = sight->physical;
    v->step = step;
    v->level = level;
    v->used = ++h->clock;
    h->latest = v;
    const uint64_t *fields = vmx_vmcs_fields(cpu, sight->physical);
    if (fields) memcpy(v->field, fields, h->field_bytes);
    l->entry_step = step;
    l->entry_rip = sight->value;
    if (h->cpu[cpu->id].owed[level].valid) history_event_entry(h, cpu, sight, step);
    if (h->cpu[cpu->id].reads) history_vmcs12_entry(h, cpu);
}

static void see_failed(struct history *h, struct cpu *cpu, const struct sight *sight) {
    struct history_cpu *c = &h->cpu[cpu->id];
    c->has_failure = true;
    c->failure = (struct history_failure){.step = step_of(h, cpu, sight),
                                          .rip = sight->rip,
                                          .vmcs = sight->physical,
                                          .qualification = sight->value,
                                          .number = sight->number};
    c->failure.count = vmx_explain_checks(cpu, c->failure.rule, HISTORY_FAILURES);
}

// --- faults ---

static void see_fault(struct history *h, struct cpu *cpu, const struct sight *sight) {
    struct history_cpu *c = &h->cpu[cpu->id];
    struct history_fault fault = {.step = step_of(h, cpu, sight),
                                  .rip = sight->rip,
                                  .value = sight->value,
                                  .information = sight->information,
                                  .level = vmx_level(cpu),
                                  .vector = sight->number};
    if (sight->kind == OBSERVE_TRIPLE_FAULT) {
        c->has_triple = true;
        c->triple = fault;
        return;
    }
    if (!c->has_fault || c->fault.step != fault.step) c->chain_count = 0;
    memmove(c->chain + 1, c->chain, sizeof c->chain - sizeof c->chain[0]);
    c->chain[0] = fault;
    if (c->chain_count < HISTORY_CHAIN) c->chain_count++;
    c->has_fault = true;
    c->fault = fault;
}

static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    struct history *h = context;
    switch (sight->kind) {
    case OBSERVE_EXIT: see_exit(h, cpu, sight); break;
    case OBSERVE_ENTRY: see_entry(h, cpu, sight); break;
    case OBSERVE_FAILED_ENTRY: see_failed(h, cpu, sight); break;
    case OBSERVE_EXCEPTION:
    case OBSERVE_TRIPLE_FAULT: see_fault(h, cpu, sight); [[fallthrough]];
    default: history_event_seen(h, cpu, sight, step_of(h, cpu, sight)); break;
    }
}

// --- watching ---

void history_watch(struct monitor *monitor) {
    if (monitor->look.history || !machine_cpu(monitor->look.machine, 0)->wire.extension) return;
    unsigned cpus = machine_configuration(monitor->look.machine)->cpus;
    struct history *h = calloc(1, sizeof *h + cpus * sizeof h->cpu[0]);
    if (!h) return;
    h->monitor = monitor;
    h->alone = cpus == 1;
    h->field_bytes = sizeof h->vmcs[0].field;
    h->observer = (struct observer){.wanted = WANTED, .context = h, .see = see};
    machine_add_observer(monitor->look.machine, &h->observer);
    monitor->look.history = h;
}

void history_free(struct monitor *monitor) {
    if (!monitor->look.history) return;
    machine_remove_observer(monitor->look.machine, &monitor->look.history->observer);
    free(monitor->look.history);
    monitor->look.history = NULL;
}

struct history *history_of(struct monitor *monitor) {
    history_watch(monitor);
    if (!monitor->look.history)
        monitor_error(monitor, machine_cpu(monitor->look.machine, 0)->wire.extension ? "not enough memory"
                                                                                     : "this processor has no VT-x");
    return monitor->look.history;
}
