// vmcs check: the VM-entry checks on the current VMCS, now, without entering. vmcs exit: what a VM exit would change in
// the state of the hypervisor. SDM Vol. 3C, 26.2, 26.3.1, 27.5.
#include "monitor/expression/expression.h"
#include "monitor/vtx/vtx.h"
#include <inttypes.h>
#include <string.h>

void print_check(struct monitor *monitor, const struct fact *fact) {
    unsigned outcome = vmcs_check_outcome(fact);
    print_in(monitor, RED, "%s", fact->text);
    print(monitor, "\n  %s, %s\n  rule %s: ", fact->section, fact->section_title, fact->rule);
    if (strcmp(fact->when, "true") != 0) print(monitor, "if %s then ", fact->when);
    print(monitor, "%s\n", fact->must);
    for (unsigned i = 0; i < fact->values; i++)
        print(monitor, "    %-40s = 0x%" PRIx64 "\n", fact->value[i].name, fact->value[i].now);
    if (outcome == EXIT_INVALID_GUEST_STATE)
        print(monitor, "  the entry fails with exit reason 33\n");
    else
        print(monitor, "  the entry fails with VM-instruction error %u\n", outcome);
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
    for (unsigned i = 0; i < count; i++) print_check(monitor, &facts[i]);
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
