// Events that a guest never gets: an event whose delivery a VM exit cut short must be injected by a VM entry. SDM Vol.
// 3C, 27.2.4. Faults and software interrupts come again by themselves when their instruction is executed again. Who
// puts an interrupt back among those that wait asks for an interrupt window, or has it in the virtual APIC. NOT
// IMPLEMENTED: events delivered twice or out of order; EOIs; posted interrupts.
#include "monitor/report/guests.h"
#include "vmx/vmcs/vmcs.h"
#include <stdlib.h>

struct lost {
    struct lost_owed {
        uint64_t key, information, step, rip; // key 0: nothing is owed
        uint32_t reason, level;
    } of[GUESTS];
    // no state
    struct reports *reports;
    struct follower follower;
};

static const struct state_field fields[] = {
    STATE_EACH(struct lost, of, key),    STATE_EACH(struct lost, of, information),
    STATE_EACH(struct lost, of, step),   STATE_EACH(struct lost, of, rip),
    STATE_EACH(struct lost, of, reason), STATE_EACH_TO(struct lost, of, level, VMX_LEVELS - 1),
};
static const struct state_table table = STATE_TABLE("report lost", fields);

static unsigned type_of(uint64_t information) {
    return (unsigned)((information & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT);
}

static void see_exit(struct lost *l, const struct cpu *cpu, unsigned level) {
    const struct history_exit *e = guest_exit(cpu, level);
    if (!(e->vectoring & INTERRUPTION_VALID)) return;
    const unsigned type = type_of(e->vectoring);
    if (type != EVENT_EXTERNAL && type != EVENT_NMI) return;
    bool is_new;
    const uint64_t key = guest_key(cpu, level);
    l->of[guest_find(&l->of[0].key, sizeof l->of[0], key, &is_new)] = (struct lost_owed){
        .key = key, .information = e->vectoring, .step = e->step, .rip = e->rip, .reason = e->reason, .level = level};
}

// It waits somewhere else: the guest will be interrupted when it can be.
static bool waits(const struct cpu *cpu, const struct lost_owed *o) {
    const uint64_t controls = guest_field(cpu, FIELD_PROC_CONTROLS);
    const bool nmi = type_of(o->information) == EVENT_NMI;
    if (controls & BIT(nmi ? PROC_NMI_WINDOW_EXITING : PROC_INTERRUPT_WINDOW_EXITING)) return true;
    const bool virtual = controls & BIT(PROC_ACTIVATE_SECONDARY) &&
                         guest_field(cpu, FIELD_PROC2_CONTROLS) & BIT(PROC2_VIRTUAL_INTERRUPTS);
    return !nmi && virtual;
}

static void report(struct lost *l, struct cpu *cpu, const struct sight *s, unsigned level, const struct lost_owed *o) {
    struct report r = guest_report(cpu, RULE_lost_vectoring, s, level);
    report_value(&r, "IDT-vectoring information", (struct place){0}, o->information);
    report_value(&r, "exit reason", (struct place){0}, o->reason);
    report_value(&r, "VM-entry interruption information", place_of_field(s->physical, FIELD_ENTRY_INTERRUPTION),
                 s->information);
    r.same = o->information;
    r.began = "the VM exit that cut its delivery short";
    r.beginning =
        (struct report_moment){.step = o->step, .rip = o->rip, .processor = (uint32_t)cpu->id, .level = o->level};
    report_file(l->reports, cpu, &r);
}

// What is injected instead puts it off.
static void see_entry(struct lost *l, struct cpu *cpu, const struct sight *s, unsigned level) {
    bool is_new;
    unsigned owed = 0;
    while (owed < GUESTS && !l->of[owed].key) owed++;
    if (owed == GUESTS) return;
    struct lost_owed *o = &l->of[guest_find(&l->of[0].key, sizeof l->of[0], guest_key(cpu, level), &is_new)];
    if (is_new) return;
    const bool injects = s->information & INTERRUPTION_VALID;
    const bool same = !((s->information ^ o->information) & (INTERRUPTION_VECTOR | INTERRUPTION_TYPE));
    if (injects && !same) return;
    if (!injects && !waits(cpu, o)) report(l, cpu, s, level, o);
    *o = (struct lost_owed){0};
}

static bool begin(struct reports *reports) {
    struct lost *l = calloc(1, sizeof *l);
    if (!l) return false;
    reports->data[REPORT_LOST] = l;
    l->reports = reports;
    l->follower = (struct follower){.table = &table, .object = l};
    machine_add_follower(reports->monitor->look.machine, &l->follower);
    return true;
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct lost *l = reports->data[REPORT_LOST];
    if (s->kind == OBSERVE_EXIT)
        see_exit(l, cpu, level);
    else
        see_entry(l, cpu, s, level);
}

static void end(struct reports *reports) {
    struct lost *l = reports->data[REPORT_LOST];
    machine_remove_follower(reports->monitor->look.machine, &l->follower);
    free(l);
}

const struct detector detector_LOST = {
    .wanted = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), .begin = begin, .see = see, .end = end};
