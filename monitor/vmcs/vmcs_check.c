// The VM-entry checks on the current VMCS, now, without entering. SDM Vol. 3C, 26.2, 26.3.1.
#include "monitor/vmcs/vmcs.h"
#include "vmx/entry/entry.h"
#include <string.h>

enum { RULES = 32 };

// A guest runs: what a rule says of the mode of the processor is not about its hypervisor now.
static bool left_out(const struct cpu *cpu, const struct vmx_failure *r) {
    for (unsigned i = 0; vmx_in_non_root(cpu) && i < r->reads.count; i++)
        if (!strcmp(r->reads.read[i].what, "in_ia32e_mode()")) return true;
    return false;
}

unsigned vmcs_check_facts(const struct cpu *cpu, struct fact *facts, unsigned max) {
    struct vmx_failure rules[RULES];
    unsigned all = vmx_explain_checks(cpu, rules, RULES), count = 0;
    for (unsigned i = 0; i < all && i < RULES && count < max; i++)
        if (!left_out(cpu, &rules[i])) facts[count++] = fact_of_check(&rules[i], vmx_current_vmcs(cpu));
    return count;
}

unsigned vmcs_check_outcome(const struct fact *fact) {
    for (unsigned i = 0; i < vmx_check_count(); i++)
        if (!strcmp(vmx_check_name(i), fact->rule)) return check_outcome(i);
    return 0;
}
