// Interrupts that a processor has taken and nobody ends: acknowledged by a VM exit ("acknowledge interrupt on exit")
// and dropped; in service in the local APIC although the processor sleeps, or for very long; and an EOI for nothing.
// SDM Vol. 3C, 27.2.2; Vol. 3A, 10.8.5. Who deals with an interrupt itself ends it before the guest is entered again,
// or soon: hypervisors that let another guest end it have some time. Who hands it on injects it, or asks for a window.
// NOT IMPLEMENTED: EOIs of guests whose APIC is software; of the 8259A, an EOI for nothing.
#include "devices/irq/lapic.h"
#include "devices/irq/pic.h"
#include "monitor/report/lost.h"
#include "vmx/vmcs/vmcs.h"

enum { PATIENT_ENTRIES = 64, PATIENT_STEPS = 50000, LONGEST_STEPS = 100000000 };

static struct lost_processor *processor_of(struct lost *l, const struct cpu *cpu) {
    return &l->processor[cpu->id % MACHINE_CPUS];
}
static uint64_t step_now(const struct seen *at) { return at->sight->step + at->cpu->wire.other_steps; }

// --- the interrupt controllers ---

static bool pic_serves(const struct pic_chip *chip, unsigned vector) {
    return vector >> 3 == chip->vector >> 3 && chip->isr >> (vector & 7) & 1;
}

static bool serves(const struct lost *l, const struct cpu *cpu, unsigned vector) {
    const struct lapic *a = l->lapic[cpu->id];
    if (a && a->isr[vector / 32] >> vector % 32 & 1) return true;
    return !cpu->id && l->pic && (pic_serves(&l->pic->chip[0], vector) || pic_serves(&l->pic->chip[1], vector));
}

// What the local APIC has in service now.
static void look(struct lost *l, const struct seen *at) {
    struct lost_processor *p = processor_of(l, at->cpu);
    const struct lapic *a = l->lapic[at->cpu->id];
    uint64_t top = 0;
    p->serving = 0;
    for (unsigned i = 0; a && i < 8; i++) {
        if (!a->isr[i]) continue;
        p->serving += (unsigned)__builtin_popcount(a->isr[i]);
        top = i * 32 + 32 - (unsigned)__builtin_clz(a->isr[i]);
    }
    if (top == p->top) return;
    p->top = top;
    p->since = step_now(at);
}

// --- what takes interrupts, and ends them ---

void lost_service_delivery(struct lost *l, const struct seen *at) { look(l, at); }

void lost_service_exit(struct lost *l, const struct seen *at) {
    if (at->sight->number != EXIT_EXTERNAL_INTERRUPT || !(at->sight->old & INTERRUPTION_VALID)) return;
    struct lost_processor *p = processor_of(l, at->cpu);
    const unsigned vector = (unsigned)(at->sight->old & INTERRUPTION_VECTOR);
    const struct report_moment now = report_moment(at->cpu, at->sight);
    look(l, at);
    p->exit = (struct lost_moment){now.step, now.rip, now.level};
    if (p->acknowledged || !serves(l, at->cpu, vector)) return;
    p->acknowledged = vector + 1;
    p->entries = 0;
}

// The VM exit of a guest's WRMSR to the EOI register, if that is what the processor was last left for.
static const struct history_exit *emulated(const struct cpu *cpu, unsigned level) {
    enum { X2APIC_EOI = 0x80b };
    const struct history_cpu *past = vmx_history_cpu(cpu);
    const struct history_exit *e = past && past->has_exit ? &past->loop[past->exit_level].exit : NULL;
    return e && e->level > level && e->reason == EXIT_WRMSR && e->gpr[RCX] == X2APIC_EOI ? e : NULL;
}

// Who emulates an EOI of its guest, once, is not to blame for it.
void lost_service_eoi(struct lost *l, const struct seen *at) {
    struct lost_processor *p = processor_of(l, at->cpu);
    struct report r = report_at(at->cpu, RULE_lost_eoi_nothing, at->sight);
    const struct history_exit *e = emulated(at->cpu, r.at.level);
    const bool anew = e && e->step != p->emulated;
    if (anew) p->emulated = e->step;
    if (p->serving) {
        p->serving--;
        return;
    }
    if (anew) r.at.step = e->step, r.at.rip = e->rip, r.at.level = e->level;
    report_value(&r, "interrupts in service", (struct place){0}, 0);
    report_file(l->reports, at->cpu, &r);
}

// --- VM entries ---

static void file(struct lost *l, const struct seen *at, enum report_rule rule, uint64_t vector) {
    const struct lost_processor *p = processor_of(l, at->cpu);
    struct report r = guest_report(at->cpu, rule, at->sight, at->level);
    report_value(&r, "vector in service", (struct place){0}, vector);
    report_value(&r, "activity state", place_of_field(at->sight->physical, FIELD_GUEST_ACTIVITY),
                 guest_field(at->cpu, FIELD_GUEST_ACTIVITY));
    r.same = vector;
    if (p->exit.step) lost_began(&r, at->cpu, &p->exit, "the last VM exit that acknowledged an interrupt");
    report_file(l->reports, at->cpu, &r);
}

// The guest gets it, or will be interrupted when it can be.
static bool is_handed_on(const struct seen *at) {
    const uint64_t window = guest_field(at->cpu, FIELD_PROC_CONTROLS) & BIT(PROC_INTERRUPT_WINDOW_EXITING);
    return at->sight->information & INTERRUPTION_VALID || window || guest_secondary(at->cpu, PROC2_VIRTUAL_INTERRUPTS);
}

static bool is_patience_over(const struct seen *at, const struct lost_processor *p, bool asleep) {
    return asleep || (p->entries >= PATIENT_ENTRIES && step_now(at) - p->exit.step >= PATIENT_STEPS);
}

static void judge_acknowledged(struct lost *l, const struct seen *at, struct lost_processor *p, bool asleep) {
    const unsigned vector = (unsigned)(p->acknowledged - 1) % 256;
    if (at->level < p->exit.level) return; // the exit is reflected to the hypervisor that is this guest
    bool over = !serves(l, at->cpu, vector) || is_handed_on(at);
    if (!over && (p->entries++, is_patience_over(at, p, asleep))) {
        file(l, at, RULE_lost_acknowledged, vector);
        over = true;
    }
    if (over) p->acknowledged = 0;
}

void lost_service_entry(struct lost *l, const struct seen *at) {
    struct lost_processor *p = processor_of(l, at->cpu);
    const bool asleep = guest_field(at->cpu, FIELD_GUEST_ACTIVITY) == ACTIVITY_HLT && !is_handed_on(at);
    const bool was = p->acknowledged;
    look(l, at);
    if (was) judge_acknowledged(l, at, p, asleep);
    if (was || !p->top) return;
    if (asleep || step_now(at) - p->since > LONGEST_STEPS) {
        file(l, at, RULE_lost_eoi, p->top - 1);
        p->since = step_now(at);
    }
}
