// The ring of events: injected, delivered, cut short by an exit, given again, or lost; and faults. SDM Vol. 3C, 26.6,
// 27.2.4.
#include "vmx/history/history.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmcs.h"
#include <string.h>

static unsigned level_now(const struct cpu *cpu) { return vmx_of(cpu)->non_root ? level_running(cpu) : 0; }

static struct history_event *add(struct cpu *cpu, enum event_kind kind, uint64_t step) {
    const struct vmx *vmx = vmx_of(cpu);
    struct history *h = vmx->history;
    struct history_event *e = &h->event[h->events++ % HISTORY_EVENTS];
    *e = (struct history_event){.kind = (uint8_t)kind,
                                .processor = (uint8_t)cpu->id,
                                .level = (uint8_t)level_now(cpu),
                                .vmcs = vmx->current,
                                .step = step,
                                .rip = cpu->rip};
    return e;
}

// Interruption information, Tables 24-16, 24-18, 24-19: they agree in these bits.
static void describe(struct history_event *e, uint64_t information, uint64_t error_code) {
    e->vector = (uint8_t)(information & INTERRUPTION_VECTOR);
    e->type = (uint8_t)((information & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT);
    e->has_error_code = information & INTERRUPTION_ERROR_CODE ? 1 : 0;
    e->error_code = e->has_error_code ? (uint32_t)error_code : 0;
}

static void note_fault(struct cpu *cpu, unsigned vector, uint64_t value, uint64_t information, uint64_t flags,
                       uint64_t step);

// --- VM exits and VM entries ---

static void cut_short(struct cpu *cpu, const struct history_exit *exit) {
    struct history_event *e = add(cpu, EVENT_VECTORING, exit->step);
    describe(e, exit->vectoring, vmcs_get(vmx_of(cpu)->vmcs, IDT_VECTORING_ERROR_CODE));
    e->reason = exit->reason;
    vmx_of(cpu)->past->owed[exit->level] = (struct history_owed){1, *e};
}

static void arrived(struct cpu *cpu, const struct history_exit *exit, enum event_kind kind) {
    struct history_event *e = add(cpu, kind, exit->step);
    describe(e, exit->interruption, exit->error_code);
    e->reason = exit->reason;
}

// An exception that exits is one all the same: what brought it about is explained as that of one that is delivered.
static void taken(struct cpu *cpu, const struct history_exit *exit) {
    arrived(cpu, exit, EVENT_TAKEN);
    if ((exit->interruption & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT == EVENT_NMI) return;
    note_fault(cpu, exit->interruption & INTERRUPTION_VECTOR, exit->qualification, exit->error_code, FAULT_EXITED,
               exit->step);
}

void history_event_exit(struct cpu *cpu, const struct history_exit *exit) {
    bool known = exit->interruption & INTERRUPTION_VALID;
    switch (exit->reason) {
    case EXIT_EXTERNAL_INTERRUPT: arrived(cpu, exit, known ? EVENT_INTERRUPT : EVENT_UNKNOWN); break;
    case EXIT_EXCEPTION_NMI: taken(cpu, exit); break;
    case EXIT_INTERRUPT_WINDOW:
    case EXIT_NMI_WINDOW: arrived(cpu, exit, EVENT_WINDOW); break;
    default: break;
    }
    if (unlikely(exit->vectoring & INTERRUPTION_VALID)) cut_short(cpu, exit);
}

// Faults and software interrupts come again by themselves when the instruction at RIP is executed again.
static bool comes_again(const struct history_event *e) {
    return e->type == EVENT_HARDWARE_EXCEPTION || e->type >= EVENT_SOFTWARE_INTERRUPT;
}

void history_event_entry(struct cpu *cpu, unsigned level, uint64_t step) {
    struct history_owed *owed = &vmx_of(cpu)->past->owed[level];
    uint64_t information = vmcs_get(vmx_of(cpu)->vmcs, ENTRY_INTERRUPTION);
    bool injects = information & INTERRUPTION_VALID;
    bool same = injects && (information & INTERRUPTION_VECTOR) == owed->event.vector;
    enum event_kind kind = same                        ? EVENT_REINJECTS
                           : injects                   ? EVENT_REPLACES
                           : comes_again(&owed->event) ? EVENT_AGAIN
                                                       : EVENT_LOST;
    struct history_event *e = add(cpu, kind, step);
    owed->valid = 0;
    e->vector = owed->event.vector;
    e->type = owed->event.type;
    e->reason = kind == EVENT_REPLACES ? (uint8_t)information : owed->event.reason;
    e->since = owed->event.step;
    if (kind == EVENT_LOST) vmx_of(cpu)->history->lost++;
}

void history_note_discarded(struct cpu *cpu, enum event_kind kind) { add(cpu, kind, history_step(cpu)); }

void history_note_injection(struct cpu *cpu, const struct event *event, uint64_t information) {
    describe(add(cpu, EVENT_INJECTS, history_step(cpu)), information, event->error_code);
}

// --- deliveries ---

static void note_segments(struct history_fault *f, const struct cpu *cpu) {
    for (unsigned s = ES; s <= GS; s++) {
        f->segment_base[s] = cpu->segment_base[s];
        f->segment_limit[s] = cpu->segment[s].limit;
        f->segment_rights[s] = cpu->segment[s].rights;
        f->selector[s] = cpu->segment[s].selector;
    }
    f->idtr_base = cpu->idtr.base;
    f->idtr_limit = cpu->idtr.limit;
    f->gdtr_base = cpu->gdtr.base;
    f->gdtr_limit = cpu->gdtr.limit;
}

// A fault of the same step follows from the one before it.
static struct history_fault *fault_place(struct history_cpu *c, uint64_t step) {
    bool follows = c->chain_count && c->chain[c->chain_count - 1].step == step;
    if (!follows) c->chain_count = 0;
    if (c->chain_count < HISTORY_CHAIN) c->chain_count++;
    return &c->chain[c->chain_count - 1];
}

static void note_fault(struct cpu *cpu, unsigned vector, uint64_t value, uint64_t information, uint64_t flags,
                       uint64_t step) {
    struct history_fault *f = fault_place(vmx_of(cpu)->past, step);
    f->step = step;
    f->rip = cpu->rip;
    f->value = value;
    f->information = information;
    f->level = level_now(cpu);
    f->vector = vector;
    f->flags = flags;
    memcpy(f->gpr, cpu->gpr, sizeof f->gpr);
    f->rflags = cpu->rflags;
    f->cr0 = cpu->control.cr0;
    f->cr3 = cpu->control.cr3;
    f->cr4 = cpu->control.cr4;
    f->efer = cpu->control.efer;
    note_segments(f, cpu);
}

static void note_triple(struct cpu *cpu) {
    struct history_cpu *c = vmx_of(cpu)->past;
    struct history_event *e = add(cpu, EVENT_TRIPLE, history_step(cpu));
    e->type = EVENT_HARDWARE_EXCEPTION;
    c->has_triple = 1;
    c->triple = (struct history_fault){.step = e->step, .rip = cpu->rip, .level = level_now(cpu)};
}

void history_note_delivery(struct cpu *cpu, const struct event *event) {
    if (!event) {
        note_triple(cpu);
        return;
    }
    bool interrupt =
        event->type == EVENT_EXTERNAL || event->type == EVENT_NMI || event->type == EVENT_SOFTWARE_INTERRUPT;
    struct history_event *e =
        add(cpu, interrupt ? EVENT_DELIVERED_INTERRUPT : EVENT_DELIVERED_EXCEPTION, history_step(cpu));
    e->vector = event->vector;
    e->type = interrupt ? event->type : EVENT_HARDWARE_EXCEPTION;
    if (interrupt) return;
    e->error_code = event->error_code;
    note_fault(cpu, event->vector, event->payload, event->error_code, event->injected ? FAULT_INJECTED : 0, e->step);
}
