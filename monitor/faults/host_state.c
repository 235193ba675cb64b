// What a VM exit loaded that cannot have been meant; see host_state.h.
#include "monitor/faults/host_state.h"
#include "cpu/event/descriptor.h"
#include "monitor/explain/walk.h"

enum { NEAR_STEPS = 10000 }; // an exit handler that has done more has shown that its state is good

struct loaded {
    const struct view *host; // as the exit loads it
    const struct history_fault *fault;
    uint64_t vmcs;
};

static uint64_t value_of(const struct loaded *l, enum vmcs_field field) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(l->host->cpu, l->vmcs, field, &value);
    return value;
}
static bool is_mapped(const struct loaded *l, uint64_t linear) {
    uint64_t physical;
    return walk_linear(l->host, linear, &physical);
}
static uint64_t raw_at(const struct loaded *l, uint64_t linear) {
    uint64_t raw = 0;
    (void)view_read(l->host, SPACE_LINEAR, linear, &raw, sizeof raw);
    return raw;
}
static bool is_gate(const struct loaded *l, unsigned vector) {
    unsigned bytes = l->host->efer & EFER_LMA ? 16 : 8;
    uint64_t raw = raw_at(l, value_of(l, FIELD_HOST_IDTR_BASE) + vector * bytes);
    return raw >> 47 & 1 && (raw >> 40 & 6) == 6; // present, of an interrupt or trap gate's type
}
static bool names_code(const struct loaded *l, enum vmcs_field selector) {
    uint64_t raw = raw_at(l, value_of(l, FIELD_HOST_GDTR_BASE) + (value_of(l, selector) & ~7ull));
    return rights_code((uint32_t)(raw >> 40) & 0xf0ff) && raw >> 47 & 1;
}

#define loaded(name) value_of(l, FIELD_##name)
#define mapped(name) is_mapped(l, loaded(name))
#define stack_mapped(name) is_mapped(l, loaded(name) - 8)
#define has_gates() (is_gate(l, VECTOR_GP) || is_gate(l, VECTOR_PF))
#define is_code(name) names_code(l, FIELD_##name)
#define fault_is(number) (l->fault->vector == (number))

static const struct place nowhere = {.space = PLACE_NONE};

static unsigned add_rules(const struct loaded *l, struct fact *facts, unsigned count, unsigned max) {
#define HOST_RULE(name, field, wrong, words, way)                                                                      \
    if (count < max && (wrong)) {                                                                                      \
        facts[count] = (struct fact){.rule = #name,                                                                    \
                                     .section = "SDM Vol. 3C, 27.5",                                                   \
                                     .section_title = "Loading Host State",                                            \
                                     .text = words,                                                                    \
                                     .hint = way,                                                                      \
                                     .holds = true};                                                                   \
        fact_value(&facts[count++], #field, place_of_field(l->vmcs, FIELD_##field), value_of(l, FIELD_##field), 0, 0); \
    }
#include "monitor/faults/host_state.def"
#undef HOST_RULE
    return count;
}

static bool follows(const struct history_cpu *past, const struct history_fault *fault) {
    const struct history_exit *exit = past->has_exit ? &past->loop[past->exit_level].exit : NULL;
    return exit && !fault->level && fault->step >= exit->step && fault->step - exit->step <= NEAR_STEPS;
}

unsigned host_state_facts(const struct view *now, const struct history_cpu *past, const struct history_fault *fault,
                          struct fact *facts, unsigned max) {
    if (!max || !follows(past, fault)) return 0;
    const struct history_exit *exit = &past->loop[past->exit_level].exit;
    struct view host;
    view_after_exit(now, exit->vmcs, &host);
    const struct loaded l = {&host, fault, exit->vmcs};
    facts[0] = (struct fact){.rule = "host state",
                             .section = "SDM Vol. 3C, 27.5",
                             .section_title = "Loading Host State",
                             .text = "the fault follows a VM exit, which loaded registers from the host-state area",
                             .holds = true,
                             .because = FACT_NO_CAUSE};
    fact_value(&facts[0], "step of the VM exit", nowhere, exit->step, 0, 0);
    fact_value(&facts[0], "steps between", nowhere, fault->step - exit->step, 0, 0);
    fact_value(&facts[0], "VMCS", nowhere, exit->vmcs, 0, 0);
    fact_value(&facts[0], "exit reason", nowhere, exit->reason & UINT16_MAX, 0, 0);
    unsigned count = add_rules(&l, facts, 1, max);
    if (count == 1 && fault->step - exit->step > 1) return 0; // nothing of it is wrong, and it has worked
    return count;
}
