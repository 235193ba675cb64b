// raise: an event by hand, through the local APIC of the processor that is looked at. SDM Vol. 3A, 10.5, 10.6.
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include <string.h>

bool command_raise(struct monitor *monitor, const char *arguments) {
    enum { VECTOR_FIRST = 16, VECTORS = 256 };
    enum machine_message message = MESSAGE_INTERRUPT;
    uint64_t vector = 0;
    if (!*arguments) return monitor_error(monitor, "raise what? raise nmi, raise init or raise VECTOR");
    if (strcmp(arguments, "nmi") == 0)
        message = MESSAGE_NMI;
    else if (strcmp(arguments, "init") == 0)
        message = MESSAGE_INIT;
    else if (!take_value(&monitor->look, &arguments, &vector) || !take_end(&monitor->look, arguments))
        return false;
    if (message == MESSAGE_INTERRUPT && (vector < VECTOR_FIRST || vector >= VECTORS))
        return monitor_error(monitor, "raise 0x%llx: vectors of interrupts are 16 to 255", (unsigned long long)vector);
    if (!machine_send(monitor->look.machine, monitor->look.processor, message, (uint8_t)vector))
        return monitor_error(monitor, "raise: the local APIC of processor %u is disabled (info apic)",
                             monitor->look.processor);
    monitor_alters(monitor);
    return true;
}
