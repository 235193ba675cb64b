// vmcs check: the VM-entry checks on the current VMCS, now, without entering. SDM Vol. 3C, 26.2, 26.3.1.
#include "monitor/expression/expression.h"
#include "monitor/explain/vmcs.h"
#include <inttypes.h>
#include <string.h>

enum { RULES = 32 };

void vmcs_print_rule(struct monitor *monitor, const struct vmx_failure *r) {
    print_in(monitor, RED, "%s", r->text);
    print(monitor, "\n  %s, %s\n  rule %s: ", r->section, r->section_title, r->name);
    if (strcmp(r->when, "true") != 0) print(monitor, "if %s then ", r->when);
    print(monitor, "%s\n", r->must);
    for (unsigned i = 0; i < r->reads.count; i++)
        print(monitor, "    %-40s = 0x%" PRIx64 "\n", r->reads.read[i].what, r->reads.read[i].value);
    if (r->outcome == EXIT_INVALID_GUEST_STATE)
        print(monitor, "  the entry fails with exit reason 33\n");
    else
        print(monitor, "  the entry fails with VM-instruction error %u\n", r->outcome);
}

// A guest runs: what a rule says of the mode of the processor is not about its hypervisor now.
static bool left_out(const struct cpu *cpu, const struct vmx_failure *r) {
    for (unsigned i = 0; vmx_in_non_root(cpu) && i < r->reads.count; i++)
        if (!strcmp(r->reads.read[i].what, "in_ia32e_mode()")) return true;
    return false;
}

bool vmcs_check(struct monitor *monitor, const char *arguments) {
    struct cpu *cpu = look_cpu(&monitor->look);
    struct vmx_failure rules[RULES];
    if (!take_end(&monitor->look, arguments)) return false;
    if (!cpu->wire.extension || vmx_current_vmcs(cpu) == VMX_NO_VMCS)
        return monitor_error(monitor, "vmcs check: there is no current VMCS");
    unsigned all = vmx_explain_checks(cpu, rules, RULES), count = 0;
    if (all > RULES) all = RULES;
    for (unsigned i = 0; i < all; i++)
        if (!left_out(cpu, &rules[i])) rules[count++] = rules[i];
    print(monitor, "VMCS %" PRIx64 ": %u of %u rules fail\n", vmx_current_vmcs(cpu), count, vmx_check_count());
    for (unsigned i = 0; i < count; i++) vmcs_print_rule(monitor, &rules[i]);
    return true;
}
