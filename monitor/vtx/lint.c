// lint: what is legal but seldom meant; the facts are those of monitor/causes/lint.h.
#include "monitor/causes/lint.h"
#include "monitor/expression/expression.h"
#include "monitor/vtx/vtx.h"
#include "monitor/vtx/why.h"

unsigned print_lint(struct monitor *monitor) {
    enum { REMARKS = 32 };
    struct fact fact[REMARKS];
    unsigned count = lint_facts(monitor->look.machine, monitor->look.processor, fact, REMARKS);
    for (unsigned i = 0; i < count; i++) {
        print_in(monitor, YELLOW, "remark: ");
        print(monitor, "%s\n  %s; %s\n", fact[i].text, fact[i].section, fact[i].rule);
        print_hints(monitor, &fact[i]);
    }
    return count;
}

bool command_lint(struct monitor *monitor, const char *arguments) {
    const struct cpu *cpu = look_cpu(&monitor->look);
    if (!take_end(&monitor->look, arguments)) return false;
    if (!cpu->wire.extension || vmx_current_vmcs(cpu) == VMX_NO_VMCS)
        return monitor_error(monitor, "lint: there is no current VMCS");
    if (!print_lint(monitor)) print(monitor, "nothing to remark\n");
    return true;
}
