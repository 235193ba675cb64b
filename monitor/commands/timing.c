// timing: which model says what steps take, and another one from here on.
#include "cpu/timing/model.h"
#include "devices/machine/machine_input.h"
#include "monitor/session/monitor.h"
#include <string.h>

static const char *timing_word(unsigned index) { return index ? timing_model_name(index - 1, NULL) : "step"; }

static bool say_which(struct monitor *monitor) {
    uint32_t timing = machine_configuration(monitor->look.machine)->timing;
    const char *text = "one cycle for each step";
    if (timing) (void)timing_model_name(timing - 1, &text);
    print(monitor, "%s: %s\n", timing_word(timing), text);
    return true;
}

bool command_timing(struct monitor *monitor, const char *arguments) {
    struct input input = {.kind = INPUT_TIMING};
    const char *name;
    if (!*arguments) return say_which(monitor);
    while ((name = timing_word((unsigned)input.where)) && strcmp(name, arguments)) input.where++;
    if (!name) return monitor_error(monitor, "timing %s: there is no such model (-timing help lists them)", arguments);
    if (!machine_alter(monitor->look.machine, &input))
        return monitor_error(monitor, "timing: there is not enough memory");
    monitor_alters(monitor);
    return true;
}
