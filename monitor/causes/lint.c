// Remarks about a VMCS; see lint.h.
#include "monitor/causes/lint.h"
#include "devices/history/history.h"
#include "monitor/explain/walk.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"

struct lint {
    struct machine *machine;
    const struct cpu *cpu;
    const struct history *history;
    uint64_t vmcs;
    struct view view; // of the guest with this VMCS, as far as walks through its EPT need it
};

static uint64_t value_of(const struct lint *l, enum vmcs_field which) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(l->cpu, l->vmcs, which, &value);
    return value;
}
static uint64_t secondary(const struct lint *l) {
    return value_of(l, FIELD_PROC_CONTROLS) >> PROC_ACTIVATE_SECONDARY & 1 ? value_of(l, FIELD_PROC2_CONTROLS) : 0;
}
static uint64_t controls_of(const struct lint *l, enum control_group group) {
    static const enum vmcs_field fields[] = {[GROUP_PIN] = FIELD_PIN_CONTROLS,
                                             [GROUP_PROC] = FIELD_PROC_CONTROLS,
                                             [GROUP_PROC2] = FIELD_PROC2_CONTROLS,
                                             [GROUP_EXIT] = FIELD_EXIT_CONTROLS,
                                             [GROUP_ENTRY] = FIELD_ENTRY_CONTROLS};
    return group == GROUP_PROC2 ? secondary(l) : value_of(l, fields[group]);
}

// --- through EPT ---

static bool map(const struct lint *l, uint64_t guest_physical, struct walk *w) {
    return walk_second_stage(&l->view, guest_physical, w);
}
// Of the RAM that EPT maps, looked at every 2 MBytes, all is UC; and there is some.
static bool is_uncached(const struct lint *l) {
    enum { STEP = 2 << 20, LOOKS = 512, MEMORY_TYPE_SHIFT = 3 };
    struct walk w;
    bool any = false;
    for (uint64_t at = 0, n = 0; n < LOOKS && machine_ram(l->machine, at, 1); at += STEP, n++) {
        if (!map(l, at, &w) || !machine_ram(l->machine, w.look.result, 1)) continue;
        if (walk_last(&w)->value >> MEMORY_TYPE_SHIFT & 7) return false;
        any = true;
    }
    return any;
}
// Whether the guest can write this page of the machine, where guest-physical addresses are physical ones or elsewhere
// near: the page itself is looked at, which is what an identity map gives away.
static bool can_write(const struct lint *l, uint64_t physical) {
    struct walk w;
    physical &= BITS(51, 12);
    return map(l, physical, &w) && w.look.result == physical && w.look.rights & EPT_WRITE;
}

// --- the past ---

// The last interrupt that made a VM exit and was acknowledged: nothing was injected into the guest, or asked for,
// since.
static bool keeps_interrupt(const struct lint *l) {
    const struct history_event *e;
    for (unsigned n = 0; (e = history_event(l->history, n)); n++) {
        if (e->vmcs != l->vmcs) continue;
        if (e->kind == EVENT_INJECTS || e->kind == EVENT_WINDOW) return false;
        if (e->kind == EVENT_INTERRUPT) return true;
    }
    return false;
}
static bool is_vpid_shared(const struct lint *l) {
    struct vmx_kept other;
    uint64_t vpid = value_of(l, FIELD_VPID), value = 0;
    for (unsigned i = 0; vmx_kept(l->cpu, i, &other); i++) {
        if (other.pointer == l->vmcs || other.pointer == VMX_NO_VMCS || other.shadow) continue;
        if (!vmx_vmcs_read(l->cpu, other.pointer, FIELD_VPID, &value) || value != vpid) continue;
        if (vmx_vmcs_read(l->cpu, other.pointer, FIELD_EPT_POINTER, &value) && value != value_of(l, FIELD_EPT_POINTER))
            return true;
    }
    return false;
}

// --- the words of the rows ---
#define field(name) value_of(l, FIELD_##name)
#define on(group, name) (controls_of(l, GROUP_##group) >> group##_##name & 1)
#define vmcs_pointer() l->vmcs
#define all_uncached() is_uncached(l)
#define reaches(physical) can_write(l, physical)
#define loaded_uncleared() (l->history->uncleared == l->vmcs && l->vmcs)
#define kept_interrupt() keeps_interrupt(l)
#define shares_vpid() is_vpid_shared(l)
#define real_mode_guest() (!(field(GUEST_CR0) & CR0_PE))

static const struct {
    const char *name, *section, *text, *way;
} rows[] = {
#define LINT(name, when, section, text, way, example) {#name, section, text, way},
#include "monitor/causes/lint.def"
#undef LINT
};
enum { ROWS = sizeof rows / sizeof *rows };
enum {
#define LINT(name, when, section, text, way, example) LINT_##name,
#include "monitor/causes/lint.def"
#undef LINT
};

static bool holds(const struct lint *l, unsigned row) {
    switch (row) {
#define LINT(name, when, section, text, way, example)                                                                  \
    case LINT_##name:                                                                                                  \
        return when;
#include "monitor/causes/lint.def"
#undef LINT
    default: return false;
    }
}

unsigned lint_facts(struct machine *machine, unsigned processor, struct fact *facts, unsigned max) {
    const struct cpu *cpu = machine_cpu(machine, processor);
    struct lint l = {.machine = machine, .cpu = cpu, .history = machine_history(machine)};
    unsigned count = 0;
    if (!l.history || (l.vmcs = vmx_current_vmcs(cpu)) == VMX_NO_VMCS) return 0;
    l.view = (struct view){.machine = machine,
                           .cpu = cpu,
                           .history = l.history,
                           .level = 1,
                           .source = VIEW_GUEST_AREA,
                           .vmcs = l.vmcs,
                           .eptp = value_of(&l, FIELD_EPT_POINTER)};
    for (unsigned row = 0; row < ROWS && count < max; row++) {
        if (!holds(&l, row)) continue;
        facts[count++] = (struct fact){.rule = rows[row].name,
                                       .section = rows[row].section,
                                       .text = rows[row].text,
                                       .hint = rows[row].way,
                                       .holds = true,
                                       .because = FACT_NO_CAUSE};
    }
    return count;
}
