// Events that a guest never gets, gets twice, or in the wrong order. SDM Vol. 3C, 27.2.4, 26.6. An event whose delivery
// a VM exit cut short must be injected by a VM entry; faults and software interrupts come again by themselves when
// their instruction is executed again. Who puts an interrupt back among those that wait asks for its window, or has it
// in the virtual APIC. An interrupt that comes twice from its source cannot be told from one that is injected twice:
// looked at are exceptions that are injected again after an exit that no instruction caused, events whose guest has not
// executed an instruction since, and NMIs before the end of the last one.
#include "monitor/report/lost.h"
#include "devices/irq/lapic.h"
#include "vmx/vmcs/vmcs.h"

static const struct state_field fields[] = {
    STATE_WORDS(struct lost, guest),
    STATE_ONE(struct lost, guests),
    STATE_WORDS(struct lost, virtual),
    STATE_WORDS(struct lost, processor),
};
static const struct state_table table = STATE_TABLE("report lost", fields);

static unsigned type_of(uint64_t information) {
    return (unsigned)((information & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT);
}
static unsigned vector_of(uint64_t information) { return (unsigned)(information & INTERRUPTION_VECTOR); }
static bool is_same(uint64_t a, uint64_t b) { return !((a ^ b) & (INTERRUPTION_VECTOR | INTERRUPTION_TYPE)); }

void lost_began(struct report *report, const struct cpu *cpu, const struct lost_moment *m, const char *began) {
    report->began = began;
    report->beginning = (struct report_moment){
        .step = m->step, .rip = m->rip, .processor = (uint32_t)cpu->id, .level = (uint32_t)(m->level % VMX_LEVELS)};
}

// --- guests ---

// What is remembered of the guest; NULL: nothing, unless `make`.
static struct lost_guest *guest_of(struct lost *l, const struct seen *at, bool make) {
    bool is_new;
    if (!make && !l->guests) return NULL;
    const uint64_t key = guest_key(at->cpu, at->level);
    struct lost_guest *g = &l->guest[guest_find(&l->guest[0].key, sizeof l->guest[0], key, &is_new)];
    if (!is_new) return g;
    if (!make) return NULL;
    if (!g->key) l->guests++;
    *g = (struct lost_guest){.key = key};
    return g;
}

static void forget(struct lost *l, struct lost_guest *g) {
    if (g->owed || g->given || g->again) return;
    *g = (struct lost_guest){0};
    l->guests--;
}

// --- VM exits ---

// No instruction of the guest caused it.
static bool is_from_outside(uint32_t reason) {
    return reason == EXIT_EXTERNAL_INTERRUPT || reason == EXIT_INTERRUPT_WINDOW || reason == EXIT_NMI_WINDOW ||
           reason == EXIT_PREEMPTION_TIMER || reason == EXIT_MONITOR_TRAP_FLAG;
}

// Debug exceptions and machine checks come from outside themselves.
static bool may_come_again(const struct lost_guest *g, const struct seen *at, const struct history_exit *e) {
    const unsigned type = type_of(g->given), vector = vector_of(g->given);
    if (type == EVENT_HARDWARE_EXCEPTION)
        return !is_from_outside(e->reason) || vector == VECTOR_DB || vector == VECTOR_MC;
    return guest_ran(at->cpu, at->level) > 1;
}

static void note_given(struct lost_guest *g, const struct seen *at, const struct history_exit *e) {
    const bool delivered = !(e->vectoring & INTERRUPTION_VALID);
    if (g->given && delivered && !may_come_again(g, at, e)) g->again = g->given;
    g->given = 0;
}

static bool must_be_injected(uint64_t information) {
    const unsigned type = type_of(information);
    return information & INTERRUPTION_VALID &&
           (type == EVENT_EXTERNAL || type == EVENT_NMI || type == EVENT_HARDWARE_EXCEPTION);
}

void lost_event_exit(struct lost *l, const struct seen *at) {
    const struct history_exit *e = guest_exit(at->cpu, at->level);
    const bool owed = must_be_injected(e->vectoring);
    struct lost_guest *g = guest_of(l, at, owed);
    if (!g) return;
    note_given(g, at, e);
    if (owed) {
        g->owed = e->vectoring;
        g->reason = e->reason;
        g->waits = 0;
        g->cut = (struct lost_moment){e->step, e->rip, at->level};
    }
    forget(l, g);
}

// --- VM entries ---

static void file(struct lost *l, const struct seen *at, enum report_rule rule, const struct lost_guest *g,
                 uint64_t event, const struct lost_moment *m, const char *began) {
    struct report r = guest_report(at->cpu, rule, at->sight, at->level);
    const bool owed = event == g->owed;
    report_value(&r, owed ? "IDT-vectoring information" : "what was injected before", (struct place){0}, event);
    if (owed) report_value(&r, "exit reason", (struct place){0}, g->reason);
    report_value(&r, "VM-entry interruption information", place_of_field(at->sight->physical, FIELD_ENTRY_INTERRUPTION),
                 at->sight->information);
    r.same = event;
    lost_began(&r, at->cpu, m, began);
    report_file(l->reports, at->cpu, &r);
}

enum waiting { WAITS_NOT, WAITS_WINDOW, WAITS_VIRTUAL };

// It waits somewhere else: the guest will be interrupted when it can be.
static enum waiting waits(const struct cpu *cpu, uint64_t owed) {
    const bool nmi = type_of(owed) == EVENT_NMI;
    const uint64_t window = BIT(nmi ? PROC_NMI_WINDOW_EXITING : PROC_INTERRUPT_WINDOW_EXITING);
    if (!nmi && guest_secondary(cpu, PROC2_VIRTUAL_INTERRUPTS)) return WAITS_VIRTUAL;
    return guest_field(cpu, FIELD_PROC_CONTROLS) & window ? WAITS_WINDOW : WAITS_NOT;
}

// The guest goes on behind the instruction that faults.
static bool is_skipped(const struct cpu *cpu, const struct lost_guest *g) {
    enum { INSTRUCTION_BYTES = 15 };
    return cpu->rip - g->cut.rip - 1 < INSTRUCTION_BYTES;
}

// Interrupts of a class that is no higher wait until the other one's handler has ended: SDM Vol. 3A, 10.8.3.
static bool is_out_of_order(uint64_t owed, uint64_t injected) {
    enum { CLASS_SHIFT = 4 };
    if (type_of(injected) != EVENT_EXTERNAL || type_of(owed) == EVENT_HARDWARE_EXCEPTION) return false;
    return type_of(owed) == EVENT_NMI || vector_of(injected) >> CLASS_SHIFT <= vector_of(owed) >> CLASS_SHIFT;
}

static const char cut_short[] = "the VM exit that cut its delivery short";

// Whether it is still owed.
static bool is_still_owed(struct lost *l, const struct seen *at, const struct lost_guest *g) {
    const uint64_t information = at->sight->information;
    const bool exception = type_of(g->owed) == EVENT_HARDWARE_EXCEPTION;
    if (information & INTERRUPTION_VALID) {
        if (is_same(information, g->owed) || exception) return false;
        if (is_out_of_order(g->owed, information)) file(l, at, RULE_lost_order, g, g->owed, &g->cut, cut_short);
        return true;
    }
    if (exception) {
        if (is_skipped(at->cpu, g)) file(l, at, RULE_lost_vectoring, g, g->owed, &g->cut, cut_short);
        return false;
    }
    const enum waiting w = waits(at->cpu, g->owed);
    if (w != WAITS_NOT) return w == WAITS_WINDOW;
    file(l, at, g->waits ? RULE_lost_window : RULE_lost_vectoring, g, g->owed, &g->cut, cut_short);
    return false;
}

static void judge_owed(struct lost *l, const struct seen *at, struct lost_guest *g) {
    const bool another = at->sight->number && at->cpu->rip != g->cut.rip; // launched elsewhere: a guest made anew
    if (another || !is_still_owed(l, at, g))
        g->owed = g->waits = 0;
    else if (!(at->sight->information & INTERRUPTION_VALID))
        g->waits = 1;
}

static void judge_again(struct lost *l, const struct seen *at, struct lost_guest *g) {
    const uint64_t information = at->sight->information;
    const bool fault = vector_of(information) == VECTOR_PF && type_of(information) == EVENT_HARDWARE_EXCEPTION;
    if (information & INTERRUPTION_VALID && is_same(information, g->again) &&
        (!(information & INTERRUPTION_ERROR_CODE) || guest_field(at->cpu, FIELD_ENTRY_ERROR_CODE) == g->code) &&
        (!fault || at->cpu->control.cr2 == g->cr2))
        file(l, at, RULE_lost_twice, g, g->again, &g->giving, "the VM entry that delivered it");
    g->again = 0;
}

// An NMI ends by IRET; until then no other is delivered.
static void judge_nmi(struct lost *l, const struct seen *at, const struct lost_guest *g) {
    if (type_of(at->sight->information) != EVENT_NMI ||
        !(guest_field(at->cpu, FIELD_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_NMI))
        return;
    struct lost_moment m = {.step = guest_exit(at->cpu, at->level)->step, .rip = at->cpu->rip, .level = at->level};
    file(l, at, RULE_lost_twice, g, at->sight->information, &m, "at this exit the guest's last NMI had not ended");
}

static void note_giving(struct lost_guest *g, const struct seen *at) {
    const struct report r = guest_report(at->cpu, RULE_lost_twice, at->sight, at->level);
    g->given = at->sight->information;
    g->code = guest_field(at->cpu, FIELD_ENTRY_ERROR_CODE);
    g->cr2 = at->cpu->control.cr2;
    g->giving = (struct lost_moment){r.at.step, r.at.rip, r.at.level};
}

void lost_event_entry(struct lost *l, const struct seen *at) {
    const bool injects = must_be_injected(at->sight->information);
    struct lost_guest *g = guest_of(l, at, injects);
    if (!g) return;
    if (g->again) judge_again(l, at, g);
    if (g->owed) judge_owed(l, at, g);
    g->given = 0;
    if (injects) {
        judge_nmi(l, at, g);
        note_giving(g, at);
    }
    forget(l, g);
}

// --- the detector ---

static void see_eoi(struct point *point, struct cpu *cpu, const struct sight *s) {
    struct lost *l = point->context;
    const struct seen at = {l->reports, cpu, s, 0};
    if (s->linear != ~0ull && !lapic_x2apic(l->lapic[cpu->id])) lost_service_eoi(l, &at);
}

static bool begin(struct reports *reports) {
    enum { OFFSET_EOI = 0xb0 };
    struct lost *l = reports->data[REPORT_LOST];
    const struct look *look = &reports->monitor->look;
    l->reports = reports;
    for (unsigned i = 0; machine_cpu(look->machine, i); i++) l->lapic[i] = look_part(look, "lapic", i);
    l->pic = look_part(look, "pic", 0);
    l->eoi = (struct point){.address = APIC_BASE_DEFAULT + OFFSET_EOI,
                            .bytes = 4,
                            .space = POINT_PHYSICAL,
                            .access = POINT_WRITE,
                            .follows = true,
                            .context = l,
                            .hit = see_eoi};
    machine_add_point(look->machine, &l->eoi);
    return true;
}

static void end(struct reports *reports) {
    struct lost *l = reports->data[REPORT_LOST];
    machine_remove_point(reports->monitor->look.machine, &l->eoi);
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    enum { MSR_X2APIC_EOI = 0x80b };
    struct lost *l = reports->data[REPORT_LOST];
    const struct seen at = {reports, cpu, s, level};
    switch (s->kind) {
    case OBSERVE_EXIT:
        lost_service_exit(l, &at);
        lost_event_exit(l, &at);
        lost_virtual_exit(l, &at);
        break;
    case OBSERVE_ENTRY:
        lost_service_entry(l, &at);
        lost_event_entry(l, &at);
        lost_virtual_entry(l, &at);
        break;
    case OBSERVE_INTERRUPT: lost_service_delivery(l, &at); break;
    default:
        if (s->number == MSR_X2APIC_EOI) lost_service_eoi(l, &at);
    }
}

const struct detector detector_LOST = {.wanted = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_INTERRUPT) |
                                                 BIT(OBSERVE_MSR_WRITE),
                                       .bytes = sizeof(struct lost),
                                       .memory = &table,
                                       .begin = begin,
                                       .see = see,
                                       .end = end};
