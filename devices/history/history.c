// What is known about the past of a machine; see history.h.
#include "devices/history/history.h"

const struct history *machine_history(struct machine *m) { return vmx_history(machine_cpu(m, 0)); }

const struct history_cpu *machine_history_cpu(struct machine *m, unsigned processor) {
    const struct cpu *cpu = machine_cpu(m, processor);
    return cpu ? vmx_history_cpu(cpu) : NULL;
}

const struct history_exit *history_last_exit(const struct history_cpu *past) {
    return past->has_exit ? &past->loop[past->exit_level].exit : NULL;
}
