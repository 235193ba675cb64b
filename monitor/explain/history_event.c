// The ring of events: injected, delivered, cut short by an exit, given again, or lost. SDM Vol. 3C, 26.6, 27.2.4.
#include "monitor/explain/history.h"

#define VALID BIT(31)
enum { TYPE_SHIFT = 8, TYPE_MASK = 7, HAS_ERROR_CODE = 11 };

static struct history_event *add(struct history *h, const struct cpu *cpu, enum event_kind kind, uint64_t step) {
    struct history_event *e = &h->event[h->events++ % HISTORY_EVENTS];
    *e = (struct history_event){.kind = (uint8_t)kind,
                                .processor = (uint8_t)cpu->id,
                                .level = (uint8_t)vmx_level(cpu),
                                .vmcs = vmx_current_vmcs(cpu),
                                .step = step};
    return e;
}

// Interruption information, Tables 24-16, 24-18, 24-19: they agree in these bits.
static void describe(struct history_event *e, uint64_t information, uint64_t error_code) {
    e->vector = (uint8_t)information;
    e->type = information >> TYPE_SHIFT & TYPE_MASK;
    e->has_error_code = information >> HAS_ERROR_CODE & 1;
    e->error_code = e->has_error_code ? (uint32_t)error_code : 0;
}

static void cut_short(struct history *h, struct cpu *cpu, const struct history_exit *exit) {
    uint64_t error_code = 0;
    (void)vmx_vmcs_read(cpu, exit->vmcs, FIELD_IDT_VECTORING_ERROR_CODE, &error_code);
    struct history_event *e = add(h, cpu, EVENT_VECTORING, exit->step);
    describe(e, exit->vectoring, error_code);
    e->rip = exit->rip;
    e->reason = exit->reason;
    h->cpu[cpu->id].owed[exit->level] = (struct owed){true, *e};
}

void history_event_exit(struct history *h, struct cpu *cpu, const struct history_exit *exit) {
    struct history_event *e = NULL;
    switch (exit->reason) {
    case EXIT_EXTERNAL_INTERRUPT: e = add(h, cpu, EVENT_INTERRUPT, exit->step); break;
    case EXIT_EXCEPTION_NMI: e = add(h, cpu, EVENT_TAKEN, exit->step); break;
    case EXIT_INTERRUPT_WINDOW:
    case EXIT_NMI_WINDOW: e = add(h, cpu, EVENT_WINDOW, exit->step); break;
    }
    if (e) {
        describe(e, exit->interruption, exit->error_code);
        e->rip = exit->rip;
        e->reason = exit->reason;
    }
    if (exit->vectoring & VALID) cut_short(h, cpu, exit);
}

// Faults and software interrupts come again by themselves when the instruction at RIP is executed again.
static bool comes_again(const struct history_event *e) {
    return e->type == EVENT_HARDWARE_EXCEPTION || e->type >= EVENT_SOFTWARE_INTERRUPT;
}

void history_event_entry(struct history *h, struct cpu *cpu, const struct sight *sight, uint64_t step) {
    struct owed *owed = &h->cpu[cpu->id].owed[vmx_level(cpu)];
    owed->valid = false;
    bool injects = sight->information & VALID;
    bool same = injects && (uint8_t)sight->information == owed->event.vector;
    enum event_kind kind = same                        ? EVENT_REINJECTS
                           : injects                   ? EVENT_REPLACES
                           : comes_again(&owed->event) ? EVENT_AGAIN
                                                       : EVENT_LOST;
    struct history_event *e = add(h, cpu, kind, step);
    e->vector = owed->event.vector;
    e->type = owed->event.type;
    e->rip = sight->value;
    e->reason = kind == EVENT_REPLACES ? (uint8_t)sight->information : owed->event.reason;
    e->since = owed->event.step;
    if (kind == EVENT_LOST) h->lost++;
}

void history_event_seen(struct history *h, struct cpu *cpu, const struct sight *sight, uint64_t step) {
    enum event_kind kind = EVENT_TRIPLE;
    if (sight->kind == OBSERVE_INTERRUPT) kind = EVENT_DELIVERED_INTERRUPT;
    if (sight->kind == OBSERVE_EXCEPTION) kind = EVENT_DELIVERED_EXCEPTION;
    if (sight->kind == OBSERVE_EVENT_INJECTED) kind = EVENT_INJECTS;
    struct history_event *e = add(h, cpu, kind, step);
    e->rip = sight->rip;
    e->vector = (uint8_t)sight->number;
    e->type = EVENT_HARDWARE_EXCEPTION;
    if (kind == EVENT_DELIVERED_INTERRUPT) e->type = (uint8_t)sight->information;
    if (kind == EVENT_DELIVERED_EXCEPTION) e->error_code = (uint32_t)sight->information;
    if (kind == EVENT_INJECTS) describe(e, sight->value, sight->information);
}
