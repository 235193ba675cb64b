// Commands about the session itself.
#include "devices/machine/machine_observe.h"
#include "monitor/drive/drive.h"
#include "monitor/expression/expression.h"
#include "monitor/commands/prompt.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <string.h>

bool command_echo(struct monitor *monitor, const char *arguments) {
    print(monitor, "%s\n", arguments);
    return true;
}

bool command_hash(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    print(monitor, "hash %" PRIu64 " %016" PRIx64 "\n", machine_steps(monitor->look.machine),
          machine_hash(monitor->look.machine));
    return true;
}

bool command_stats(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    struct machine_stats s;
    machine_stats(monitor->look.machine, &s);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"steps", s.steps},
                {"instructions retired", s.retired},
                {"cycles", s.cycles},
                {"idle cycles", s.idle_cycles},
                {"guest nanoseconds", machine_nanoseconds(monitor->look.machine)},
                {"interrupts", s.interrupts},
                {"timer events", s.timer_events},
                {"halts", s.halts},
                {"port reads", s.port_reads},
                {"port writes", s.port_writes},
                {"MMIO reads", s.mmio_reads},
                {"MMIO writes", s.mmio_writes}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        print(monitor, "%-20s %20" PRIu64 "\n", rows[i].name, rows[i].value);
    return true;
}

bool command_source(struct monitor *monitor, const char *arguments) {
    if (!*arguments) return monitor_error(monitor, "source which file? source FILE");
    return prompt_script(monitor, arguments);
}

bool command_stop(struct monitor *monitor, const char *arguments) {
    if (!take_end(&monitor->look, arguments)) return false;
    print(monitor, "The guest is stopped at step %" PRIu64 "; continue lets it run.\n",
          machine_steps(monitor->look.machine));
    return true;
}

bool command_quit(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    monitor->prompt.leave = true;
    return true;
}

bool command_cpu(struct monitor *monitor, const char *arguments) {
    uint64_t number = monitor->look.processor;
    unsigned count = machine_configuration(monitor->look.machine)->cpus;
    if (*arguments && (!take_value(&monitor->look, &arguments, &number) || !take_end(&monitor->look, arguments)))
        return false;
    if (number >= count)
        return monitor_error(monitor, count == 1 ? "there is no processor %" PRIu64 "; there is one, %u"
                                                 : "there is no processor %" PRIu64 "; they are 0 to %u",
                             number, count - 1);
    monitor->look.processor = (unsigned)number;
    monitor->look.chosen = true;
    print(monitor, "processor %" PRIu64 " of %u; it is the turn of %u\n", number, count,
          machine_turn(monitor->look.machine));
    return true;
}

static bool choose_level(struct monitor *monitor, const char *arguments) {
    uint64_t level;
    struct view view;
    if (!take_value(&monitor->look, &arguments, &level) || !take_end(&monitor->look, arguments)) return false;
    if (level >= VMX_LEVELS)
        return monitor_error(monitor, "there is no level %" PRIu64 "; the levels are 0 to %d", level, VMX_LEVELS - 1);
    if (!view_make(&monitor->look, (int)level, &view)) return false;
    monitor->look.level = (int)level;
    return true;
}

bool command_level(struct monitor *monitor, const char *arguments) {
    const struct cpu *cpu = look_cpu(&monitor->look);
    if (word_is(arguments, "auto", 1))
        monitor->look.level = -1;
    else if (*arguments && !choose_level(monitor, arguments))
        return false;
    unsigned running = cpu->wire.extension ? vmx_level(cpu) : 0;
    if (monitor->look.level < 0)
        print(monitor, "the level that runs: %u\n", running);
    else
        print(monitor, "level %d; level %u runs\n", monitor->look.level, running);
    return true;
}
