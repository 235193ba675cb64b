// The monitor of one run; see monitor.h.
#include "monitor/session/monitor.h"
#include "devices/machine/machine.h"

struct output *monitor_print_to(struct monitor *monitor, struct output *to) {
    struct output *before = monitor->output;
    monitor->output = monitor->look.output = to;
    return before;
}

void monitor_alters(struct monitor *monitor) {
    if (!monitor->altered.count++) monitor->altered.first_step = machine_steps(monitor->look.machine);
}
