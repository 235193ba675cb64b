// raise: an event by hand, through the local APIC of the processor that is looked at. SDM Vol. 3A, 10.5, 10.6.
#include "devices/machine/machine_input.h"
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include <string.h>

bool command_raise(struct monitor *monitor, const char *arguments) {
    enum { VECTOR_FIRST = 16, VECTORS = 256 };
    struct input input = {.kind = INPUT_INTERRUPT, .unit = (uint8_t)monitor->look.processor};
    if (!*arguments) return monitor_error(monitor, "raise what? raise nmi, raise init or raise VECTOR");
    if (strcmp(arguments, "nmi") == 0)
        input.kind = INPUT_NMI;
    else if (strcmp(arguments, "init") == 0)
        input.kind = INPUT_INIT;
    else if (!take_value(&monitor->look, &arguments, &input.where) || !take_end(&monitor->look, arguments))
        return false;
    if (input.kind == INPUT_INTERRUPT && (input.where < VECTOR_FIRST || input.where >= VECTORS))
        return monitor_error(monitor, "raise 0x%llx: vectors of interrupts are 16 to 255",
                             (unsigned long long)input.where);
    if (!machine_alter(monitor->look.machine, &input))
        return monitor_error(monitor, "raise: the local APIC of processor %u is disabled (info apic)",
                             monitor->look.processor);
    monitor_alters(monitor);
    return true;
}
