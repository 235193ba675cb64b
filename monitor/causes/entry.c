// VM entries that failed by no field's check, and remarks about VM exits; see entry.h.
#include "monitor/causes/entry.h"
#include "monitor/faults/fault_rules.h"
#include "monitor/faults/hint.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"

static const struct place nowhere = {.space = PLACE_NONE};

unsigned failure_facts(const struct history_failure *f, struct fact *facts, unsigned max) {
    bool guest = f->number >> 31;
    unsigned number = f->number & UINT16_MAX, count = 0;
    bool by_rule =
        guest ? number == EXIT_INVALID_GUEST_STATE : number == ERROR_CONTROL_FIELD || number == ERROR_HOST_STATE_FIELD;
    struct vmx_failure rule;
    for (unsigned i = 0; by_rule && count < max && vmx_explain_failure(f, i, &rule); i++)
        if (rule.outcome == number || guest == (rule.outcome == EXIT_INVALID_GUEST_STATE))
            facts[count++] = fact_of_check(&rule, f->vmcs);
    return count;
}

// --- the MSR-load area ---

static struct fact area_fact(const char *name, const char *text, const char *hint) {
    return (struct fact){.rule = name,
                         .section = "SDM Vol. 3C, 26.4",
                         .section_title = "Loading MSRs",
                         .text = text,
                         .hint = hint,
                         .because = FACT_NO_CAUSE};
}

unsigned entry_msr_facts(const struct cpu *cpu, const struct history_failure *f, struct fact *facts, unsigned max) {
    const uint64_t entry = f->qualification, index = f->msr;
    if (!max) return 0;
#define ENTRY_ERROR(error, entered, section, text, hint)
#define REMARK(name, when, section, text)
#define ENTRY_INVALID(shadow, section, text, hint)
#define AREA_RULE(name, broken, text, hint)                                                                            \
    if (broken) {                                                                                                      \
        facts[0] = area_fact(#name, text, hint);                                                                       \
        return 1;                                                                                                      \
    }
#include "monitor/causes/entry.def"
#undef AREA_RULE
#undef REMARK
#undef ENTRY_INVALID
#undef ENTRY_ERROR
    return msr_facts(cpu, (uint32_t)index, true, f->value, facts, 0, 1);
}

// --- VM-instruction errors ---

enum entered { EITHER, NEVER, BEFORE };

static enum entered entered_with(const struct cpu *cpu, uint64_t vmcs) {
    const struct history *h = vmx_history(cpu);
    return h && history_entry(h, vmcs) ? BEFORE : NEVER;
}

unsigned entry_error_facts(const struct cpu *cpu, const struct history_failure *f, unsigned error, struct fact *facts,
                           unsigned max) {
    static const struct {
        unsigned error;
        bool shadow;
        enum entered entered;
        const char *section, *text, *hint;
    } rows[] = {
#define ENTRY_ERROR(error, entered, section, text, hint) {ERROR_##error, false, entered, section, text, hint},
#define ENTRY_INVALID(shadow, section, text, hint) {0, shadow, EITHER, section, text, hint},
#define REMARK(name, when, section, text)
#define AREA_RULE(name, broken, text, hint)
#include "monitor/causes/entry.def"
#undef AREA_RULE
#undef REMARK
#undef ENTRY_INVALID
#undef ENTRY_ERROR
    };
    bool launched = false;
    const enum entered entered = entered_with(cpu, f->vmcs);
    for (unsigned i = 0; max && i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].error != error || (!error && rows[i].shadow != (f->vmcs != VMX_NO_VMCS))) continue;
        if (rows[i].entered != EITHER && rows[i].entered != entered) continue;
        facts[0] = (struct fact){.rule = "launch state",
                                 .section = rows[i].section,
                                 .text = rows[i].text,
                                 .hint = rows[i].hint,
                                 .because = FACT_NO_CAUSE};
        if (error && error != ERROR_MOV_SS_BLOCKING && vmx_vmcs_launched(cpu, f->vmcs, &launched))
            fact_value(&facts[0], "launched", nowhere, launched, 0, 0);
        return 1;
    }
    return 0;
}

// --- remarks about exits ---

static uint64_t field(const struct cpu *cpu, uint64_t vmcs, enum vmcs_field which) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(cpu, vmcs, which, &value);
    return value;
}

// An exit that follows an instruction, as a trap does.
static bool is_trap_like(unsigned reason) {
    return reason == EXIT_TPR_BELOW_THRESHOLD || reason == EXIT_APIC_WRITE || reason == EXIT_VIRTUALIZED_EOI;
}
static bool of_instruction(unsigned reason) {
    return (reason >= EXIT_TASK_SWITCH && reason <= EXIT_WRMSR) || reason == EXIT_MWAIT ||
           (reason >= EXIT_MONITOR && reason <= EXIT_PAUSE) ||
           (reason >= EXIT_INVEPT && reason != EXIT_PREEMPTION_TIMER && reason != EXIT_PML_FULL &&
            reason != EXIT_APIC_WRITE);
}

unsigned exit_remark_facts(const struct cpu *cpu, const struct history_exit *e, struct fact *facts, unsigned max) {
    const unsigned reason = e->reason & UINT16_MAX;
    unsigned count = 0;
#define control(group, name) (field(cpu, e->vmcs, FIELD_##group##_CONTROLS) >> group##_##name & 1)
#define rflags() field(cpu, e->vmcs, FIELD_GUEST_RFLAGS)
#define pending_debug() field(cpu, e->vmcs, FIELD_GUEST_PENDING_DEBUG)
#define after_instruction() is_trap_like(reason)
#define is_instruction() of_instruction(reason)
#define ENTRY_ERROR(error, entered, section, text, hint)
#define ENTRY_INVALID(shadow, section, text, hint)
#define AREA_RULE(name, broken, text, hint)
#define REMARK(name, when, where, words)                                                                               \
    if (count < max && (when))                                                                                         \
        facts[count++] =                                                                                               \
            (struct fact){.rule = #name, .section = where, .text = words, .holds = true, .because = FACT_NO_CAUSE};
#include "monitor/causes/entry.def"
#undef AREA_RULE
#undef REMARK
#undef ENTRY_INVALID
#undef ENTRY_ERROR
    return count;
}
