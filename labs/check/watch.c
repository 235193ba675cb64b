// Looking on: what the machine does becomes a list of moments; see trial.h.
#include "labs/check/trial.h"
#include "monitor/symbols/symbols.h"
#include "vmx/insn/refusal.h"
#include "vmx/level/view.h"
#include <string.h>

enum { SAVED_BY_ENTER = 7 * 8 }; // below its return address (labs/lib/enter.S)

// Within guest_enter, or behind it after a VM exit, it is its caller that matters.
static uint64_t caller_of(const struct trial *trial, uint64_t rip) {
    uint64_t stack = trial->stack, at, caller = 0;
    bool inside = stack && trial->enter != NOT_A_SYMBOL && rip - trial->enter < 0x200;
    if (!inside || !machine_read(trial->machine, stack, &at, sizeof at)) return 0;
    return machine_read(trial->machine, at + SAVED_BY_ENTER, &caller, sizeof caller) ? caller - 1 : 0;
}

static struct moment *add(struct trial *trial) {
    const bool full = trial->moments == trial->room;
    trial->cut |= full;
    return full ? NULL : &trial->moment[trial->moments++];
}

// Of the level that runs, and of the VMCS that is current.
static const struct picture *take_picture(struct trial *trial, const struct cpu *cpu) {
    const uint64_t current = vmx_current_vmcs(cpu);
    const uint64_t *fields = current != VMX_NO_VMCS ? vmx_vmcs_fields(cpu, current) : NULL;
    if (trial->pictures == PICTURES || !fields) return NULL;
    struct picture *p = &trial->picture[trial->pictures++];
    memcpy(p->field, fields, sizeof p->field);
    memcpy(p->gpr, cpu->gpr, sizeof p->gpr);
    return p;
}

static const struct history_failure *take_failure(struct trial *trial, const struct cpu *cpu) {
    const struct history_cpu *past = vmx_history_cpu(cpu);
    if (trial->failures == FAILURES || !past->has_failure) return NULL;
    trial->failure[trial->failures] = past->failure;
    return &trial->failure[trial->failures++];
}

static void add_refusal(struct trial *trial, const struct history_refusal *refusal) {
    struct moment *m;
    if (!refusal || refusal->last_step <= trial->refused_step || !(m = add(trial))) return;
    trial->refused_step = refusal->last_step;
    *m = (struct moment){.kind = MOMENT_REFUSED,
                         .number = refusal->row,
                         .level = (uint8_t)refusal->level,
                         .step = refusal->step,
                         .rip = refusal->rip,
                         .caller = caller_of(trial, refusal->rip),
                         .value = refusal->operand,
                         .old = refusal->found};
}

// VMX instructions that were refused since the last look: the history has them, and nobody tells.
static void look_for_refusals(struct trial *trial, const struct cpu *cpu) {
    for (unsigned n = HISTORY_REFUSALS; n-- > 0;) add_refusal(trial, history_refusal(vmx_history_cpu(cpu), n));
}

static void see(void *context, struct cpu *cpu, const struct sight *s) {
    struct trial *trial = context;
    look_for_refusals(trial, cpu);
    struct moment *m = add(trial);
    if (!m) return;
    const bool crossing = s->kind == OBSERVE_EXIT || s->kind == OBSERVE_ENTRY || s->kind == OBSERVE_FAILED_ENTRY;
    *m = (struct moment){.kind = s->kind,
                         .number = s->number,
                         .level = (uint8_t)vmx_level(cpu),
                         .write = s->write,
                         .step = s->step,
                         .rip = s->rip,
                         .cycles = cpu_cycles_now(cpu),
                         .value = s->value,
                         .old = s->old,
                         .linear = s->linear,
                         .physical = s->physical,
                         .information = s->information};
    if (s->kind == OBSERVE_ENTRY) m->rip = s->old;
    m->caller = caller_of(trial, m->rip);
    if (crossing) m->picture = take_picture(trial, cpu);
    if (s->kind == OBSERVE_FAILED_ENTRY) m->failure = take_failure(trial, cpu);
}

void watch_begin(struct trial *trial) {
    trial->room = MOMENTS;
    trial->stack = trial_symbol(trial, "host_stack");
    trial->enter = trial_symbol(trial, "guest_enter");
    trial->observer = (struct observer){
        .wanted = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_FAILED_ENTRY) | BIT(OBSERVE_VMWRITE) |
                  BIT(OBSERVE_VMX_INSTRUCTION) | BIT(OBSERVE_EXCEPTION) | BIT(OBSERVE_INTERRUPT) |
                  BIT(OBSERVE_EVENT_INJECTED) | BIT(OBSERVE_TRIPLE_FAULT) | BIT(OBSERVE_MSR_READ) |
                  BIT(OBSERVE_MSR_WRITE) | BIT(OBSERVE_CPUID) | BIT(OBSERVE_CONTROL_REGISTER),
        .context = trial,
        .see = see};
    machine_add_observer(trial->machine, &trial->observer);
    (void)reports_begin(&trial->monitor, "all=stop");
}

static void take_reports(struct trial *trial) {
    const struct reports *reports = trial->monitor.reports;
    for (unsigned i = 0; reports && i < reports->counts.seen; i++) {
        struct moment *m = add(trial);
        if (!m) return;
        *m = (struct moment){.kind = MOMENT_REPORT,
                             .number = reports->counts.of[i].rule,
                             .level = (uint8_t)reports->counts.of[i].level,
                             .step = reports->counts.of[i].step,
                             .rip = reports->counts.of[i].rip,
                             .value = reports->counts.of[i].times};
        m->caller = caller_of(trial, m->rip);
    }
}

void watch_end(struct trial *trial) {
    look_for_refusals(trial, machine_cpu(trial->machine, 0));
    trial->room += REPORTS;
    take_reports(trial);
    machine_remove_observer(trial->machine, &trial->observer);
    (void)reports_end(&trial->monitor);
}
