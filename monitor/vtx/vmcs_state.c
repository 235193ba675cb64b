// vmcs check: the VM-entry checks on the current VMCS, now, without entering. vmcs exit: what a VM exit would change in
// the state of the hypervisor. SDM Vol. 3C, 26.2, 26.3.1, 27.5.
#include "monitor/expression/expression.h"
#include "monitor/vtx/vtx.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>
#include <string.h>

static bool alike(const struct fact *a, const struct fact *b) {
    return !strcmp(a->text, b->text) && !strcmp(a->section, b->section);
}

static void print_rule(struct monitor *monitor, const struct fact *fact) {
    print(monitor, "  rule %s: ", fact->rule);
    if (strcmp(fact->when, "true") != 0) print(monitor, "if %s then ", fact->when);
    print(monitor, "%s\n", fact->must);
    print_values(monitor, fact);
}

// The same rule for several registers: one line names them all, and the first is told in full.
static void print_others(struct monitor *monitor, const struct fact *facts, unsigned count, unsigned first) {
    const char *between = "  the same of: ";
    for (unsigned i = first + 1; i < count; i++) {
        if (!alike(&facts[i], &facts[first])) continue;
        print(monitor, "%s%s", between, facts[i].rule);
        between = ", ";
    }
    if (*between == ',') print(monitor, "\n");
}

static bool told(const struct fact *facts, unsigned i) {
    for (unsigned j = 0; j < i; j++)
        if (alike(&facts[j], &facts[i])) return true;
    return false;
}

void print_checks(struct monitor *monitor, const struct fact *facts, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        unsigned outcome = vmcs_check_outcome(&facts[i]);
        if (told(facts, i)) continue;
        print_in(monitor, RED, "%s", facts[i].text);
        print(monitor, "\n  %s, %s\n", facts[i].section, facts[i].section_title);
        print_rule(monitor, &facts[i]);
        print_others(monitor, facts, count, i);
        print_hints(monitor, &facts[i]);
        if (outcome == EXIT_INVALID_GUEST_STATE)
            print(monitor, "  the entry fails with exit reason 33\n");
        else
            print(monitor, "  the entry fails with VM-instruction error %u\n", outcome);
    }
}

bool vmcs_check(struct monitor *monitor, const char *arguments) {
    enum { RULES = 32 };
    const struct cpu *cpu = look_cpu(&monitor->look);
    struct fact facts[RULES];
    if (!take_end(&monitor->look, arguments)) return false;
    if (!cpu->wire.extension || vmx_current_vmcs(cpu) == VMX_NO_VMCS)
        return monitor_error(monitor, "vmcs check: there is no current VMCS");
    unsigned count = vmcs_check_facts(cpu, facts, RULES);
    print(monitor, "VMCS %" PRIx64 ": %u of %u rules fail\n", vmx_current_vmcs(cpu), count, vmx_check_count());
    print_checks(monitor, facts, count);
    (void)print_lint(monitor);
    return true;
}

bool vmcs_exit(struct monitor *monitor, const char *arguments) {
    struct vmcs_changes c;
    struct view now;
    struct vmcs_image image;
    if (!vmcs_take_pointer(monitor, arguments, &image) || !view_make(&monitor->look, 0, &now)) return false;
    if (now.source != VIEW_LIVE)
        return monitor_error(monitor, "vmcs exit: a guest runs, and what its hypervisor was like is not known; look "
                                      "before the entry. What an exit loads: level 0, info segments");
    vmcs_exit_changes(&now, image.pointer, &c);
    if (c.count) print(monitor, "%-14s %16s    %-16s\n", "", "now", "after a VM exit");
    for (unsigned i = 0; i < c.count; i++)
        print(monitor, "%-14s %16" PRIx64 " -> %-16" PRIx64 "  %s\n", c.change[i].what, c.change[i].now,
              c.change[i].after, c.change[i].why);
    print(monitor, "%s: a VM exit would change %u of %u, beside what its MSR-load list says\n", image.name, c.count,
          c.rows);
    return true;
}
