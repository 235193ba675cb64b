// why: VM exits and failed VM entries. SDM Vol. 3C, chapters 25, 26, 27; rows in exit_cause.def and qualification.def.
#include "monitor/symbols/symbols.h"
#include "monitor/explain/vmcs.h"
#include "monitor/explain/why.h"
#include <inttypes.h>
#include <string.h>

enum { NO_CONTROL = 255 };
#define NONE NO_CONTROL, 0, ""
#define CONTROL_OF(group, name) GROUP_##group, group##_##name, #group
static const struct cause {
    uint8_t reason, group, bit;
    const char *group_name, *section, *rule;
} causes[] = {
#define CAUSE(reason, controls, section, rule) {EXIT_##reason, controls, section, rule},
#include "monitor/explain/exit_cause.def"
#undef CAUSE
};

static const struct part {
    uint8_t reason, high, low;
    const char *name, *values;
} parts[] = {
#define PART(reason, high, low, name, values) {EXIT_##reason, high, low, name, values},
#include "monitor/explain/qualification.def"
#undef PART
};

// The n-th of "a|b|c", its length; 0: there is none, or it is empty.
static size_t nth(const char *values, uint64_t n, const char **text) {
    for (; n && values; n--) {
        values = strchr(values, '|');
        if (values) values++;
    }
    *text = values ? values : "";
    return strcspn(*text, "|");
}

void why_qualification(struct monitor *monitor, unsigned reason, uint64_t qualification) {
    const char *between = "  ";
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct part *p = &parts[i];
        const char *text = "";
        if (p->reason != reason) continue;
        uint64_t value = (qualification & BITS(p->high, p->low)) >> p->low;
        size_t length = *p->values ? nth(p->values, value, &text) : 0;
        if (*p->values && !length) continue;
        print(monitor, "%s%s%s", between, p->name, *p->name ? " " : "");
        if (*p->values)
            print(monitor, "%.*s", (int)length, text);
        else
            print(monitor, "0x%" PRIx64, value);
        between = ", ";
    }
}

static uint64_t field(struct monitor *monitor, uint64_t vmcs, enum vmcs_field which) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(look_cpu(&monitor->look), vmcs, which, &value);
    return value;
}

static void print_control(struct monitor *monitor, uint64_t vmcs, const struct cause *c) {
    static const uint8_t fields[] = {
        [GROUP_PIN] = FIELD_PIN_CONTROLS, [GROUP_PROC] = FIELD_PROC_CONTROLS, [GROUP_PROC2] = FIELD_PROC2_CONTROLS};
    if (c->group == NO_CONTROL) return;
    uint64_t value = field(monitor, vmcs, fields[c->group]);
    print(monitor, "  in this VMCS: %s_CONTROLS = 0x%" PRIx64 ", of it", c->group_name, value);
    vmcs_controls(monitor, (enum control_group)c->group, BIT(c->bit));
    print(monitor, " = %u\n", (unsigned)(value >> c->bit & 1));
}

static void print_place(struct monitor *monitor, unsigned level, uint64_t rip) {
    char name[160];
    print(monitor, "RIP %" PRIx64, rip);
    if (*symbols_name(monitor->look.symbols, (int)level, rip, name, sizeof name)) print(monitor, " <%s>", name);
}

// What the fields beside the qualification say, and what the exit was about.
static void print_details(struct monitor *monitor, const struct history_exit *e) {
    unsigned reason = e->reason & UINT16_MAX;
    if (e->interruption >> 31) {
        print(monitor, "  ");
        vmcs_interruption(monitor, e->interruption);
        if (e->interruption >> 11 & 1) print(monitor, " %x", e->error_code);
        print(monitor, "\n");
    }
    if (reason == EXIT_EPT_VIOLATION || reason == EXIT_EPT_MISCONFIGURATION)
        print(monitor, "  guest-physical 0x%" PRIx64 ", linear 0x%" PRIx64 "  (walk @%u:gpa:0x%" PRIx64 ")\n",
              e->physical, e->linear, e->level, e->physical);
    if (reason == EXIT_RDMSR || reason == EXIT_WRMSR) print(monitor, "  MSR 0x%x\n", (unsigned)e->gpr[RCX]);
    if (reason == EXIT_CPUID) print(monitor, "  leaf 0x%x\n", (unsigned)e->gpr[RAX]);
    if (e->vectoring >> 31) {
        print(monitor, "  during the delivery of: ");
        vmcs_interruption(monitor, e->vectoring);
        print(monitor, "; the hypervisor must inject it again (27.2.4, 26.6)\n");
    }
}

void why_exit(struct monitor *monitor, const struct history_exit *e) {
    unsigned reason = e->reason & UINT16_MAX;
    const char *name = vmx_exit_name(reason), *text = vmx_exit_text(reason);
    print_in(monitor, BOLD, "VM exit %s (%u) from level %u: %s\n", name ? name : "?", reason, e->level,
             text ? text : "?");
    print(monitor, "  step %" PRIu64 ", VMCS %" PRIx64 ", ", e->step, e->vmcs);
    print_place(monitor, e->level, e->rip);
    print(monitor, "\n");
    for (unsigned i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (causes[i].reason != reason) continue;
        print(monitor, "  %s.\n  SDM Vol. 3C, %s\n", causes[i].rule, causes[i].section);
        print_control(monitor, e->vmcs, &causes[i]);
    }
    print(monitor, "  qualification 0x%" PRIx64, e->qualification);
    why_qualification(monitor, reason, e->qualification);
    print(monitor, "\n");
    print_details(monitor, e);
}

// --- failed entries ---

void why_failure(struct monitor *monitor, const struct history_failure *f) {
    bool guest = f->number >> 31;
    unsigned number = f->number & UINT16_MAX;
    const char *text = guest ? vmx_exit_text(number) : vmx_error_text(number);
    print_in(monitor, BOLD, "VM entry failed: %s (%s %u)\n",
             f->number ? text : "VMfailInvalid: there is no current VMCS",
             guest ? "exit reason" : "VM-instruction error", number);
    print(monitor, "  step %" PRIu64 ", VMCS %" PRIx64 ", ", f->step, f->vmcs);
    print_place(monitor, 0, f->rip);
    print(monitor, "\n");
    if (guest && f->qualification) {
        print(monitor, "  qualification 0x%" PRIx64, f->qualification);
        why_qualification(monitor, number, f->qualification);
        print(monitor, "\n");
    }
    bool by_rule = number == (guest ? EXIT_INVALID_GUEST_STATE : 7u) || (!guest && number == 8);
    for (unsigned i = 0; by_rule && i < f->count && i < HISTORY_FAILURES; i++)
        if (f->rule[i].outcome == number || guest == (f->rule[i].outcome == EXIT_INVALID_GUEST_STATE))
            vmcs_print_rule(monitor, &f->rule[i]);
}
