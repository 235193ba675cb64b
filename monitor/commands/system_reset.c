// system_reset: the button of a PC that resets it, as an input that a recording keeps.
#include "devices/machine/machine_input.h"
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include "monitor/session/resets.h"
#include <inttypes.h>
#include <stdio.h>

bool command_system_reset(struct monitor *monitor, const char *arguments) {
    struct run *run = monitor->run;
    char text[sizeof run->reset_text];
    if (!take_end(&monitor->look, arguments)) return false;
    if (run->over) return monitor_error(monitor, "system_reset: the run is over (%s); go back first", run->over_text);
    snprintf(text, sizeof text, "system_reset at step %" PRIu64, machine_steps(run->machine));
    if (!machine_alter(run->machine, &(struct input){.kind = INPUT_RESET}))
        return monitor_error(monitor, "system_reset: the machine cannot be reset here");
    resets_note(run, text);
    monitor_alters(monitor);
    return true;
}
