// What waits at the local APIC, the 8259A, the processor and VM entry; see waiting.h.
#include "monitor/causes/waiting.h"
#include "cpu/memory/access.h"
#include "devices/irq/lapic.h"
#include "devices/irq/pic.h"
#include "monitor/causes/virtual_apic.h"
#include "vmx/history/history.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *section, *text;
} rows[] = {
#define WAITS(name, section, text) [WAITS_##name] = {#name, section, text},
#include "monitor/causes/waiting.def"
#undef WAITS
};

struct waiting_search waiting_begin(struct machine *machine, unsigned processor, waiting_fn *found, void *context) {
    return (struct waiting_search){machine, machine_cpu(machine, processor), processor, found, context, false};
}

struct fact *waiting_add(struct waiting *w, enum waits row, bool holds) {
    struct fact *fact = &w->fact[w->count++];
    *fact = (struct fact){.rule = rows[row].name,
                          .section = rows[row].section,
                          .text = rows[row].text,
                          .holds = holds,
                          .because = FACT_NO_CAUSE};
    return fact;
}

bool waiting_held(const struct waiting *w) {
    for (unsigned i = 0; i < w->count; i++)
        if (w->fact[i].holds) return true;
    return false;
}

void waiting_tell(struct waiting_search *s, const struct waiting *w) {
    s->any = true;
    s->found(s->context, w);
}

// --- places ---

struct place place_of_cpu(const struct waiting_search *s, size_t offset, unsigned bytes) {
    return (struct place){.space = PLACE_REGISTER,
                          .level = (uint8_t)vmx_level(s->cpu),
                          .processor = (uint8_t)s->processor,
                          .bytes = (uint8_t)bytes,
                          .address = offset};
}
#define OF_CPU(s, member) place_of_cpu(s, offsetof(struct cpu, member), sizeof(s)->cpu->member)

// A part of the machine's state and where it is: the n-th of that name.
struct part {
    const void *object;
    uint64_t number;
};
static struct part part_of(const struct machine *machine, const char *name, unsigned n) {
    struct machine_part part;
    for (unsigned i = 0; machine_part((struct machine *)machine, i, &part); i++)
        if (strcmp(part.name, name) == 0 && n-- == 0) return (struct part){part.object, i};
    return (struct part){NULL, 0};
}
static struct place place_in(struct part part, size_t offset, unsigned bytes) {
    return (struct place){.space = PLACE_DEVICE, .bytes = (uint8_t)bytes, .address = part.number << 32 | offset};
}
#define OF_PART(part, type, member) place_in(part, offsetof(struct type, member), sizeof((struct type *)0)->member)

// --- at the processor ---

static void add_mov_ss(const struct waiting_search *s, struct waiting *w) {
    fact_value(waiting_add(w, WAITS_mov_ss, cpu_mov_ss_shadow(s->cpu)), "shadow until step",
               OF_CPU(s, boundary.mov_ss_shadow_step), s->cpu->boundary.mov_ss_shadow_step, 0, 0);
}

static void add_activity(const struct waiting_search *s, struct waiting *w, enum waits row, enum activity which) {
    fact_value(waiting_add(w, row, s->cpu->boundary.activity == which), "activity", OF_CPU(s, boundary.activity),
               s->cpu->boundary.activity, 0, 0);
}

// Of every maskable interrupt. Where it exits, that is all that is left to wait for if nothing else holds it.
static void at_processor(const struct waiting_search *s, struct waiting *w) {
    const struct cpu *cpu = s->cpu;
    uint64_t pin = 0, exiting = BIT(PIN_EXTERNAL_INTERRUPT_EXITING), vmcs = vmx_current_vmcs(cpu);
    if (vmx_in_non_root(cpu)) (void)vmx_vmcs_read(cpu, vmcs, FIELD_PIN_CONTROLS, &pin);
    bool exits = pin & exiting;
    if (!exits)
        fact_value(waiting_add(w, WAITS_interrupts_off, !(cpu->rflags & FLAG_IF)), "RFLAGS", OF_CPU(s, rflags),
                   cpu->rflags, FLAG_IF, FLAG_IF);
    fact_value(waiting_add(w, WAITS_sti, cpu_sti_shadow(cpu)), "shadow until step", OF_CPU(s, boundary.sti_shadow_step),
               cpu->boundary.sti_shadow_step, 0, 0);
    add_mov_ss(s, w);
    add_activity(s, w, WAITS_shutdown, ACTIVITY_SHUTDOWN);
    add_activity(s, w, WAITS_wait_for_sipi, ACTIVITY_WAIT_FOR_SIPI);
    if (exits)
        fact_value(waiting_add(w, WAITS_exits, !waiting_held(w)), "PIN_CONTROLS",
                   place_of_field(vmcs, FIELD_PIN_CONTROLS), pin, 0, exiting);
}

// Nothing waits, but nothing will come either.
static void asleep(struct waiting_search *s) {
    const struct cpu *cpu = s->cpu;
    struct waiting w = {.kind = WAITING_REMARK};
    bool guest = vmx_in_non_root(cpu);
    if (cpu->boundary.activity == ACTIVITY_WAIT_FOR_SIPI && (guest || !s->processor))
        add_activity(s, &w, WAITS_asleep, ACTIVITY_WAIT_FOR_SIPI);
    if (cpu->boundary.activity == ACTIVITY_HLT && !(cpu->rflags & FLAG_IF) && !vmx_interrupt_exits(cpu) &&
        !cpu->boundary.mwait)
        add_activity(s, &w, WAITS_halted, ACTIVITY_HLT);
    if (w.count) waiting_tell(s, &w);
}

static void others(struct waiting_search *s) {
    const struct cpu *cpu = s->cpu;
    struct waiting nmi = {.kind = WAITING_NMI, .vector = VECTOR_NMI},
                   debug = {.kind = WAITING_DEBUG, .vector = VECTOR_DB};
    fact_value(waiting_add(&nmi, WAITS_nmi, cpu->boundary.nmi_blocked), "blocking by NMI",
               OF_CPU(s, boundary.nmi_blocked), cpu->boundary.nmi_blocked, 0, 1);
    add_mov_ss(s, &nmi);
    add_mov_ss(s, &debug);
    asleep(s);
    if (cpu->boundary.pending & PENDING_NMI) waiting_tell(s, &nmi);
    if (cpu->boundary.pending & PENDING_DEBUG) waiting_tell(s, &debug);
}

// --- at the interrupt controllers ---

static void local_apic(struct waiting_search *s, struct part part) {
    const struct lapic *l = part.object;
    int vector = l ? vectors_highest(l->irr) : -1, serving = l ? vectors_highest(l->isr) : -1;
    if (vector < 0) return;
    struct waiting w = {.kind = WAITING_APIC, .vector = (unsigned)vector};
    const unsigned class = w.vector & 0xf0;
    const struct place irr = place_in(part, offsetof(struct lapic, irr) + w.vector / 32 * 4, 4);
    fact_value(waiting_add(&w, WAITS_apic_disabled, !lapic_enabled(l)), "IA32_APIC_BASE", OF_PART(part, lapic, base),
               l->base, APIC_BASE_EN, APIC_BASE_EN);
    fact_value(waiting_add(&w, WAITS_apic_software, !(l->svr & BIT(8))), "SVR", OF_PART(part, lapic, svr), l->svr,
               BIT(8), BIT(8));
    struct fact *priority = waiting_add(&w, WAITS_task_priority, class <= (l->tpr & 0xf0));
    fact_value(priority, "vector", irr, w.vector, 0, 0);
    fact_value(priority, "TPR", OF_PART(part, lapic, tpr), l->tpr, 0, 0);
    if (serving >= 0) {
        struct fact *service = waiting_add(&w, WAITS_in_service, class <= ((unsigned)serving & 0xf0));
        fact_value(service, "vector", irr, w.vector, 0, 0);
        fact_value(service, "serving", place_in(part, offsetof(struct lapic, isr) + (unsigned)serving / 32 * 4, 4),
                   (unsigned)serving, 0, 0);
        fact_value(service, "PPR", (struct place){.space = PLACE_NONE}, lapic_priority(l), 0, 0);
    }
    at_processor(s, &w);
    waiting_tell(s, &w);
}

static void request(struct waiting_search *s, struct part part, unsigned irq, struct part apic) {
    const struct pic *pic = part.object;
    const struct lapic *l = apic.object;
    const struct pic_chip *c = &pic->chip[irq / 8];
    const uint64_t bit = BIT(irq % 8);
    const size_t chip = offsetof(struct pic, chip) + irq / 8 * sizeof *c;
    struct waiting w = {.kind = WAITING_PIC, .vector = (c->vector & 0xf8) | irq % 8, .irq = irq};
    fact_value(waiting_add(&w, WAITS_pic_masked, c->imr & bit), "IMR",
               place_in(part, chip + offsetof(struct pic_chip, imr), 1), c->imr, 0, bit);
    fact_value(waiting_add(&w, WAITS_pic_in_service, c->isr & (2 * bit - 1)), "ISR",
               place_in(part, chip + offsetof(struct pic_chip, isr), 1), c->isr, 0, 2 * bit - 1);
    if (l && lapic_enabled(l))
        fact_value(waiting_add(&w, WAITS_lint0_masked, l->lvt[LVT_LINT0] & LVT_MASKED), "LVT LINT0",
                   OF_PART(apic, lapic, lvt[LVT_LINT0]), l->lvt[LVT_LINT0], 0, LVT_MASKED);
    at_processor(s, &w);
    waiting_tell(s, &w);
}

static void pics(struct waiting_search *s, struct part apic) {
    enum { IRQS = 16, CASCADE = 2 };
    const struct part part = part_of(s->machine, "pic", 0);
    const struct pic *pic = part.object;
    for (unsigned irq = 0; pic && irq < IRQS; irq++)
        if (pic->chip[irq / 8].irr >> irq % 8 & 1 && irq != CASCADE) request(s, part, irq, apic);
}

// --- between a VM exit and a VM entry ---

// The last interrupt that a VM exit acknowledged, unless an entry has injected something since.
static const struct history_event *acknowledged_last(const struct waiting_search *s) {
    const struct history *h = vmx_history(s->cpu);
    const struct history_event *e;
    for (unsigned n = 0; h && (e = history_event(h, n)); n++) {
        if (e->processor != s->processor) continue;
        if (e->kind == EVENT_INJECTS) return NULL;
        if (e->kind == EVENT_INTERRUPT) return e;
    }
    return NULL;
}

static void acknowledged(struct waiting_search *s, struct part part) {
    enum { SOON_STEPS = 10000 }; // a handler may still be about to end it
    const struct lapic *l = part.object;
    const struct history_event *e = acknowledged_last(s);
    uint64_t now = s->cpu->time.steps + s->cpu->wire.other_steps;
    if (!e || !l || now - e->step < SOON_STEPS || vectors_highest(l->isr) != e->vector) return;
    struct waiting w = {.kind = WAITING_REMARK, .vector = e->vector};
    struct fact *fact = waiting_add(&w, WAITS_acknowledged, true);
    fact_value(fact, "vector", place_in(part, offsetof(struct lapic, isr) + e->vector / 32u * 4u, 4), e->vector, 0, 0);
    fact_value(fact, "step", (struct place){.space = PLACE_NONE}, e->step, 0, 0);
    waiting_tell(s, &w);
}

// --- at VM entry ---

// What the VMCS of the level that runs next will deliver.
static void injected(struct waiting_search *s, uint64_t vmcs) {
    uint64_t information = 0;
    if (vmx_in_non_root(s->cpu)) return;
    (void)vmx_vmcs_read(s->cpu, vmcs, FIELD_ENTRY_INTERRUPTION, &information);
    if (!(information >> 31)) return;
    struct waiting w = {.kind = WAITING_REMARK, .vector = (unsigned)information & 255};
    struct fact *fact = waiting_add(&w, WAITS_injected, true);
    fact_value(fact, "vector", place_of_field(vmcs, FIELD_ENTRY_INTERRUPTION), w.vector, 0, 0);
    fact_value(fact, "VMCS", (struct place){.space = PLACE_NONE}, vmcs, 0, 0);
    waiting_tell(s, &w);
}

bool waiting_search(struct machine *machine, unsigned processor, waiting_fn *found, void *context) {
    struct waiting_search s = waiting_begin(machine, processor, found, context);
    const struct part apic = part_of(machine, "lapic", processor);
    local_apic(&s, apic);
    if (!processor) pics(&s, apic);
    others(&s);
    if (s.cpu->wire.extension) acknowledged(&s, apic);
    if (!s.cpu->wire.extension || vmx_current_vmcs(s.cpu) == VMX_NO_VMCS) return s.any;
    uint64_t vmcs = vmx_current_vmcs(s.cpu);
    s.any |= waiting_virtual(machine, processor, vmcs, found, context);
    injected(&s, vmcs);
    return s.any;
}
