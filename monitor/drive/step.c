// step, until, continue, run-to, stepexit, stepentry.
#include "devices/machine/machine_observe.h"
#include "monitor/drive/await.h"
#include "monitor/drive/drive.h"
#include "monitor/expression/expression.h"
#include "monitor/stops/stops.h"
#include "monitor/show/sight.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static unsigned level_now(const struct monitor *monitor) {
    const struct cpu *cpu = machine_cpu(monitor->look.machine, machine_turn(monitor->look.machine));
    return cpu->wire.extension ? vmx_level(cpu) : 0;
}

typedef bool until_fn(struct monitor *monitor, void *context);

// Steps until `stop` says so; it is asked after each step.
static enum run_event step_until(struct monitor *monitor, until_fn *stop, void *context) {
    enum run_event event = drive_until(monitor, machine_steps(monitor->look.machine) + 1);
    if (event != RUN_TARGET || stop(monitor, context)) return event;
    drive_running(monitor, true);
    do event = drive_step(monitor);
    while (event == RUN_TARGET && !stop(monitor, context));
    drive_running(monitor, false);
    return event;
}

// --- step ---

static bool arrives(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context) {
    (void)monitor;
    return (sight->kind == OBSERVE_EXIT ? 0 : vmx_level(cpu)) == *(unsigned *)context;
}

bool drive_take_level(struct monitor *monitor, const char *arguments, const char *command, unsigned *level) {
    uint64_t number;
    if (!take_value(&monitor->look, &arguments, &number) || !take_end(&monitor->look, arguments)) return false;
    if (number >= VMX_LEVELS)
        return monitor_error(monitor, "%s -l: there is no level %" PRIu64 "; the levels are 0 to %d", command, number,
                             VMX_LEVELS - 1);
    *level = (unsigned)number;
    return true;
}

static bool step_level(struct monitor *monitor, const char *arguments) {
    unsigned wanted;
    if (!drive_take_level(monitor, arguments, "step", &wanted)) return false;
    struct awaited seen;
    enum run_event event = drive_until(monitor, machine_steps(monitor->look.machine) + 1);
    if (event == RUN_TARGET && level_now(monitor) != wanted)
        event = await_sight(monitor, BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), arrives, &wanted, &seen);
    return drive_stopped(monitor, event);
}

bool command_step(struct monitor *monitor, const char *arguments) {
    uint64_t times;
    if (strncmp(arguments, "-l", 2) == 0) return step_level(monitor, arguments + 2);
    if (!drive_take_times(monitor, arguments, &times)) return false;
    return drive_stopped(monitor, drive_until(monitor, machine_steps(monitor->look.machine) + times));
}

// --- until ---

struct condition {
    struct expression expression;
    char error[200];
    bool failed;
};

static bool condition_holds(struct monitor *monitor, void *context) {
    struct condition *c = context;
    struct view view;
    uint64_t value;
    monitor->look.processor = machine_turn(monitor->look.machine);
    if (!view_make(&monitor->look, -1, &view)) return true;
    c->failed = !expression_value(&c->expression, &view, &value, c->error, sizeof c->error);
    return c->failed || value;
}

bool command_until(struct monitor *monitor, const char *arguments) {
    struct condition condition = {0};
    if (!*arguments) return monitor_error(monitor, "until what? until EXPRESSION, like until rip == 0x1000");
    if (!expression_compile(&monitor->look, &arguments, &condition.expression) || !take_end(&monitor->look, arguments))
        return false;
    enum run_event event = step_until(monitor, condition_holds, &condition);
    if (condition.failed) monitor_error(monitor, "until: %s", condition.error);
    return drive_stopped(monitor, event) && !condition.failed;
}

// --- to a step, and without an end ---

bool command_continue(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    monitor->letting_go.go_on = true;
    return monitor->letting_go.in_list || drive_stopped(monitor, drive_until(monitor, UINT64_MAX));
}

bool command_run_to(struct monitor *monitor, const char *arguments) {
    uint64_t step, now = machine_steps(monitor->look.machine);
    if (!*arguments) return monitor_error(monitor, "run-to which step? It is step %" PRIu64 " now", now);
    if (!take_value(&monitor->look, &arguments, &step) || !take_end(&monitor->look, arguments)) return false;
    if (step < now)
        return monitor_error(monitor, "run-to: step %" PRIu64 " is past; it is step %" PRIu64 " now", step, now);
    return drive_stopped(monitor, drive_until(monitor, step));
}

// --- VM exits and entries ---

// A VM entry that fails while it loads the guest's state is a VM exit with reason 33 or 34 (26.8); VMfail is none.
static bool exits(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context) {
    (void)monitor, (void)cpu, (void)context;
    return sight->kind != OBSERVE_FAILED_ENTRY || sight->number & ENTRY_FAILURE_BIT;
}

// To the first instruction on the other side, as often as said.
static bool cross(struct monitor *monitor, const char *arguments, uint64_t wanted) {
    uint64_t times;
    struct awaited awaited = {.seen = true};
    enum run_event event = RUN_TARGET;
    if (!drive_take_times(monitor, arguments, &times)) return false;
    for (uint64_t i = 0; i < times && awaited.seen; i++) event = await_sight(monitor, wanted, exits, NULL, &awaited);
    if (times && awaited.seen) sight_print(&monitor->look, &awaited.sight, awaited.level);
    return drive_stopped(monitor, event);
}

bool command_stepexit(struct monitor *monitor, const char *arguments) {
    return cross(monitor, arguments, BIT(OBSERVE_EXIT) | BIT(OBSERVE_FAILED_ENTRY));
}
bool command_stepentry(struct monitor *monitor, const char *arguments) {
    return cross(monitor, arguments, BIT(OBSERVE_ENTRY));
}
