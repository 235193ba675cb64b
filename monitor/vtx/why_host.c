// why: a fault of the hypervisor that follows a VM exit; the facts are those of monitor/faults/host_state.h.
#include "monitor/faults/host_state.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>

static uint64_t value_of(const struct fact *fact, const char *name) {
    const struct fact_value *value = fact_value_named(fact, name);
    return value ? value->now : 0;
}

void why_host_state(struct monitor *monitor, const struct history_cpu *c) {
    enum { FACTS = 12 };
    struct fact fact[FACTS];
    struct view view;
    if (!c->chain_count || !view_is_there(look_cpu(&monitor->look), 0) || !view_make(&monitor->look, 0, &view)) return;
    unsigned count = host_state_facts(&view, c, &c->chain[0], fact, FACTS);
    if (!count) return;
    const char *reason = vmx_exit_name((unsigned)value_of(&fact[0], "exit reason"));
    print_in(monitor, RED,
             "  The first fault came %" PRIu64 " steps after VM exit %s at step %" PRIu64
             ", which loaded the host-state area of VMCS %" PRIx64 "\n",
             value_of(&fact[0], "steps between"), reason ? reason : "?", value_of(&fact[0], "step of the VM exit"),
             value_of(&fact[0], "VMCS"));
    for (unsigned i = 1; i < count; i++) print_broken(monitor, &fact[i]);
    if (count == 1) print(monitor, "  vmcs exit before the entry lists what an exit changes: is each as it was?\n");
}
