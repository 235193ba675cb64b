// What of a guest would exit now, and why something did; see intercepts.h.
#include "monitor/vmcs/intercepts.h"
#include "cpu/state/section.h"
#include "devices/history/history.h"
#include "vmx/level/view.h"
#include <string.h>

bool guest_rules_of(const struct cpu *cpu, uint64_t pointer, struct guest_rules *guest) {
    if (!cpu->wire.extension) return false;
    guest->vmcs = (struct vmcs){.pointer = pointer};
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (!vmx_vmcs_read(cpu, pointer, f, &guest->vmcs.field[f])) return false;
    guest->ask = ask_about(cpu);
    guest->ask.vmcs = &guest->vmcs;
    return true;
}

static uint64_t controls_of(const struct vmcs *vmcs, unsigned group) {
    if (group == GROUP_PIN) return controls_PIN(vmcs);
    return group == GROUP_PROC ? controls_PROC(vmcs) : controls_PROC2(vmcs);
}

bool guest_control(const struct guest_rules *guest, unsigned group, unsigned bit) {
    return controls_of(&guest->vmcs, group) >> bit & 1;
}

// --- facts ---

static const struct {
    const char *name;
    enum vmcs_field field;
} groups[] = {[GROUP_PIN] = {"PIN_CONTROLS", FIELD_PIN_CONTROLS},
              [GROUP_PROC] = {"PROC_CONTROLS", FIELD_PROC_CONTROLS},
              [GROUP_PROC2] = {"PROC2_CONTROLS", FIELD_PROC2_CONTROLS}};

// The rule, and the control that it needs.
static struct fact fact_of_rule(const struct exit_rule *rule, const struct guest_rules *guest) {
    const struct section_text *section = &section_texts[rule->section];
    struct fact fact = {.rule = vmx_exit_name(rule->reason),
                        .section = section->number,
                        .section_title = section->title,
                        .text = rule->rule,
                        .when = *rule->when ? rule->when : NULL,
                        .holds = true,
                        .because = FACT_NO_CAUSE};
    if (rule->group == RULE_NO_CONTROL) return fact;
    uint64_t now = guest->vmcs.field[groups[rule->group].field];
    fact_value(&fact, groups[rule->group].name, place_of_field(guest->vmcs.pointer, groups[rule->group].field), now,
               BIT(rule->bit), BIT(rule->bit));
    fact.holds = guest_control(guest, rule->group, rule->bit);
    return fact;
}

unsigned intercept_facts(const struct guest_rules *guest, struct fact *facts, unsigned max) {
    unsigned count = 0;
    const struct exit_rule *rule;
    for (unsigned i = 0; (rule = exit_rule(i)) && count < max; i++) {
        if (!*rule->what) continue;
        facts[count] = fact_of_rule(rule, guest);
        facts[count++].text = rule->what;
    }
    return count;
}

unsigned undefined_facts(const struct guest_rules *guest, const char *instruction, struct fact *facts, unsigned max) {
    unsigned count = 0;
    const struct undefined_rule *rule;
    for (unsigned i = 0; (rule = undefined_rule(i)) && count < max; i++) {
        if (strcmp(rule->instruction, instruction) != 0) continue;
        const enum vmcs_field field = groups[rule->group].field;
        facts[count] = (struct fact){.rule = rule->instruction,
                                     .section = section_texts[rule->section].number,
                                     .section_title = section_texts[rule->section].title,
                                     .text = rule->rule,
                                     .holds = !guest_control(guest, rule->group, rule->bit),
                                     .because = FACT_NO_CAUSE};
        fact_value(&facts[count++], groups[rule->group].name, place_of_field(guest->vmcs.pointer, field),
                   guest->vmcs.field[field], 0, BIT(rule->bit));
    }
    return count;
}

// --- single questions ---

bool port_exits(const struct guest_rules *guest, uint16_t port) {
    struct exit_record would;
    return ask_exits(&guest->ask, NULL, ICEPT_IO, OPERAND(.io = {.port = port, .bytes = 1}), &would);
}

bool msr_access_exits(const struct guest_rules *guest, uint32_t index, bool write) {
    struct exit_record would;
    return ask_exits(&guest->ask, NULL, write ? ICEPT_WRMSR : ICEPT_RDMSR, OPERAND(.msr = {index, 0}), &would);
}

bool vmcs_access_exits(const struct guest_rules *guest, uint32_t encoding, bool write) {
    struct exit_record would;
    return ask_exits(&guest->ask, NULL, write ? ICEPT_VMWRITE : ICEPT_VMREAD, OPERAND(.vmcs = {.encoding = encoding}),
                     &would);
}

static bool page_fault_exits_with(const struct guest_rules *guest, uint32_t error_code) {
    struct exit_record would;
    const struct event fault = {
        .vector = VECTOR_PF, .type = EVENT_HARDWARE_EXCEPTION, .has_error_code = true, .error_code = error_code};
    return ask_event_exits(&guest->ask, &fault, &would);
}

// An error code that matches, and one that does not, if there are any.
struct page_fault_exits page_fault_exits(const struct guest_rules *guest) {
    uint64_t mask = vmcs_get(&guest->vmcs, PAGE_FAULT_MASK), match = vmcs_get(&guest->vmcs, PAGE_FAULT_MATCH);
    struct page_fault_exits answer = {.mask = mask, .match = match};
    bool first = page_fault_exits_with(guest, (uint32_t)match),
         other = mask ? page_fault_exits_with(guest, (uint32_t)~match) : first;
    if (match & ~mask) first = other; // no error code matches
    answer.which = first == other ? first ? PAGE_FAULTS_ALWAYS : PAGE_FAULTS_NEVER
                   : first        ? PAGE_FAULTS_MATCH
                                  : PAGE_FAULTS_NO_MATCH;
    return answer;
}

// --- why something exited ---

static struct event event_of(const struct history_exit *e) {
    return (struct event){.vector = (uint8_t)(e->interruption & INTERRUPTION_VECTOR),
                          .type = (uint8_t)((e->interruption & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT),
                          .error_code = e->error_code};
}

static struct fact asked(unsigned row, struct guest_rules *guest, const struct rule_subject *subject) {
    struct vmx_reads reads = {0};
    struct fact fact = fact_of_rule(exit_rule(row), guest);
    guest->ask.reads = &reads;
    fact.holds = exit_rule_holds(row, &guest->ask, subject);
    guest->ask.reads = NULL;
    fact_reads(&fact, &reads, guest->vmcs.pointer);
    return fact;
}

unsigned exit_facts(const struct cpu *cpu, const struct history_exit *e, struct fact *facts, unsigned max) {
    struct guest_rules guest;
    struct rule_subject subject;
    const struct exit_rule *rule;
    unsigned reason = e->reason & UINT16_MAX, count = 0;
    if (!guest_rules_of(cpu, e->vmcs, &guest)) return 0;
    bool known = exit_rule_subject(reason, e->qualification, e->gpr, &subject);
    const struct event event = event_of(e);
    if (reason == EXIT_EXCEPTION_NMI) subject.event = &event, known = true;
    for (unsigned i = 0; (rule = exit_rule(i)) && count < max; i++) {
        if (rule->reason != reason) continue;
        facts[count] = known && rule->decided ? asked(i, &guest, &subject) : fact_of_rule(rule, &guest);
        if (!count++ || !facts[count - 1].holds || facts[0].holds) continue;
        struct fact first = facts[0]; // what holds stands first
        facts[0] = facts[count - 1];
        facts[count - 1] = first;
    }
    return count;
}
