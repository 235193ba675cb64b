// Commands that let the guest run.
#include "devices/machine/machine_observe.h"
#include "monitor/commands/drive.h"
#include "monitor/expression/expression.h"
#include "monitor/stops/stops.h"
#include "monitor/commands/where.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Whether the run may go on to another step: it is not over, and nobody pressed Ctrl-C.
static bool fine(enum run_event event) { return event == RUN_TARGET; }

// A number of times: 1 when none is given.
static bool take_times(struct monitor *monitor, const char *text, uint64_t *times) {
    *times = 1;
    if (!*text) return true;
    if (!take_value(monitor, &text, times) || !take_end(monitor, text)) return false;
    return *times <= INT64_MAX || monitor_error(monitor, "%" PRId64 ": not a number of times", (int64_t)*times);
}

static unsigned level_now(const struct monitor *monitor) {
    const struct cpu *cpu = machine_cpu(monitor->machine, machine_turn(monitor->machine));
    return cpu->wire.extension ? vmx_level(cpu) : 0;
}

typedef bool until_fn(struct monitor *monitor, void *context);

// Steps until `stop` says so; it is asked after each step.
static enum run_event step_until(struct monitor *monitor, until_fn *stop, void *context) {
    enum run_event event = drive_until(monitor, machine_steps(monitor->machine) + 1);
    if (!fine(event) || stop(monitor, context)) return event;
    drive_running(monitor, true);
    do event = drive_step(monitor);
    while (fine(event) && !stop(monitor, context));
    drive_running(monitor, false);
    return event;
}

// --- step ---

static bool arrives(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context) {
    (void)monitor;
    return (sight->kind == OBSERVE_EXIT ? 0 : vmx_level(cpu)) == *(unsigned *)context;
}

static bool step_level(struct monitor *monitor, const char *arguments) {
    uint64_t level;
    if (!take_value(monitor, &arguments, &level) || !take_end(monitor, arguments)) return false;
    if (level >= VMX_LEVELS) return monitor_error(monitor, "step -l: levels are 0 to %d", VMX_LEVELS - 1);
    unsigned wanted = (unsigned)level;
    struct awaited seen;
    enum run_event event = drive_until(monitor, machine_steps(monitor->machine) + 1);
    if (fine(event) && level_now(monitor) != wanted)
        event = stops_await(monitor, BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), arrives, &wanted, &seen);
    return drive_stopped(monitor, event);
}

bool command_step(struct monitor *monitor, const char *arguments) {
    uint64_t times;
    if (strncmp(arguments, "-l", 2) == 0) return step_level(monitor, arguments + 2);
    if (!take_times(monitor, arguments, &times)) return false;
    return drive_stopped(monitor, drive_until(monitor, machine_steps(monitor->machine) + times));
}

// --- next, finish ---

struct frame {
    struct monitor *monitor;
    unsigned level, processor;
    uint64_t vmcs, rsp, cr3, address; // address: linear, behind the call
};

static void frame_here(struct monitor *monitor, const struct view *view, struct frame *frame) {
    *frame = (struct frame){.monitor = monitor,
                            .level = view->level,
                            .processor = monitor->processor,
                            .vmcs = view->vmcs,
                            .rsp = view->gpr[RSP],
                            .cr3 = view->cr3};
}

static const struct cpu *same_level(struct monitor *monitor, const struct frame *f) {
    const struct cpu *cpu = machine_cpu(monitor->machine, f->processor);
    if (machine_turn(monitor->machine) != f->processor) return NULL;
    if (!f->level) return vmx_in_non_root(cpu) ? NULL : cpu;
    return vmx_in_non_root(cpu) && vmx_current_vmcs(cpu) == f->vmcs ? cpu : NULL;
}

// Behind the call, in the frame where it began.
static void passed(struct point *point, struct cpu *cpu, const struct sight *sight) {
    const struct frame *f = point->context;
    (void)sight;
    if (cpu->id == f->processor && same_level(f->monitor, f) && cpu->gpr[RSP] >= f->rsp && cpu->control.cr3 == f->cr3)
        cpu_stop(cpu);
}

static enum run_event pass_over(struct monitor *monitor, struct frame *frame) {
    struct point point = {
        .address = frame->address, .space = POINT_LINEAR, .access = POINT_EXECUTE, .context = frame, .hit = passed};
    machine_add_point(monitor->machine, &point);
    enum run_event event = drive_until(monitor, UINT64_MAX);
    machine_remove_point(monitor->machine, &point);
    return event;
}

// A VM exit leads to level 0, an entry to the guest that was entered.
static bool back(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context) {
    const struct frame *f = context;
    (void)monitor;
    if (cpu->id != f->processor) return false;
    if (!f->level) return sight->kind == OBSERVE_EXIT;
    return sight->kind == OBSERVE_ENTRY && vmx_level(cpu) == f->level && vmx_current_vmcs(cpu) == f->vmcs;
}

// One instruction, and when it led to another level all until this one goes on.
static enum run_event pass_levels(struct monitor *monitor, struct frame *frame) {
    struct awaited seen;
    enum run_event event = drive_until(monitor, machine_steps(monitor->machine) + 1);
    bool away = machine_turn(monitor->machine) == frame->processor && !same_level(monitor, frame);
    if (!fine(event) || stops_caught(monitor) || !away) return event;
    return stops_await(monitor, BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), back, frame, &seen);
}

static bool next_once(struct monitor *monitor, enum run_event *event) {
    struct view view;
    struct instruction i;
    struct frame frame;
    drive_follow(monitor);
    if (!view_make(monitor, -1, &view)) return false;
    bool decoded = disassemble(monitor, &view, SPACE_LINEAR, view_code_address(&view), 0, &i);
    frame_here(monitor, &view, &frame);
    frame.address = view_code_address(&view) + i.length;
    if (decoded && (i.kind == INSTRUCTION_CALL || i.kind == INSTRUCTION_REPEAT))
        *event = pass_over(monitor, &frame);
    else
        *event = pass_levels(monitor, &frame);
    return true;
}

bool command_next(struct monitor *monitor, const char *arguments) {
    uint64_t times;
    enum run_event event = RUN_TARGET;
    if (!take_times(monitor, arguments, &times)) return false;
    stops_begin(monitor);
    for (; times && event != RUN_OVER && event != RUN_ASKED && !stops_caught(monitor); times--)
        if (!next_once(monitor, &event)) return false;
    return drive_stopped(monitor, event);
}

// A transfer that leaves the stack pointer above where it was: was it a return?
static bool returns(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context) {
    const struct frame *f = context;
    struct view view;
    struct instruction i;
    if (cpu->id != f->processor || !same_level(monitor, f) || cpu->gpr[RSP] <= f->rsp || cpu->control.cr3 != f->cr3)
        return false;
    monitor->processor = cpu->id;
    if (!view_make(monitor, -1, &view)) return false;
    uint64_t linear = view_code_bits(&view) == 64 ? sight->rip : (uint32_t)(view.base[CS] + sight->rip);
    return disassemble(monitor, &view, SPACE_LINEAR, linear, 0, &i) && i.kind == INSTRUCTION_RETURN;
}

bool command_finish(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    struct view view;
    struct frame frame;
    drive_follow(monitor);
    if (!view_make(monitor, -1, &view)) return false;
    struct awaited seen;
    frame_here(monitor, &view, &frame);
    return drive_stopped(monitor, stops_await(monitor, BIT(OBSERVE_BRANCH), returns, &frame, &seen));
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
    monitor->processor = machine_turn(monitor->machine);
    if (!view_make(monitor, -1, &view)) return true;
    c->failed = !expression_value(&c->expression, &view, &value, c->error, sizeof c->error);
    return c->failed || value;
}

bool command_until(struct monitor *monitor, const char *arguments) {
    struct condition condition = {0};
    if (!*arguments) return monitor_error(monitor, "until what? until EXPRESSION, like until rip == 0x1000");
    if (!expression_compile(monitor, &arguments, &condition.expression) || !take_end(monitor, arguments)) return false;
    enum run_event event = step_until(monitor, condition_holds, &condition);
    if (condition.failed) monitor_error(monitor, "until: %s", condition.error);
    return drive_stopped(monitor, event) && !condition.failed;
}

// --- to a step, and without an end ---

bool command_continue(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    monitor->go_on = true;
    return monitor->in_list || drive_stopped(monitor, drive_until(monitor, UINT64_MAX));
}

bool command_run_to(struct monitor *monitor, const char *arguments) {
    uint64_t step, now = machine_steps(monitor->machine);
    if (!*arguments) return monitor_error(monitor, "run-to which step? It is step %" PRIu64 " now", now);
    if (!take_value(monitor, &arguments, &step) || !take_end(monitor, arguments)) return false;
    if (step < now)
        return monitor_error(monitor, "run-to: step %" PRIu64 " is past; it is step %" PRIu64 " now", step, now);
    return drive_stopped(monitor, drive_until(monitor, step));
}

// --- VM exits and entries ---

static bool any(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context) {
    (void)monitor, (void)cpu, (void)sight, (void)context;
    return true;
}

// To the first instruction on the other side, as often as said.
static bool cross(struct monitor *monitor, const char *arguments, uint64_t wanted) {
    uint64_t times;
    struct awaited awaited = {.seen = true};
    enum run_event event = RUN_TARGET;
    if (!take_times(monitor, arguments, &times)) return false;
    for (uint64_t i = 0; i < times && awaited.seen; i++) event = stops_await(monitor, wanted, any, NULL, &awaited);
    if (times && awaited.seen) sight_print(monitor, &awaited.sight, awaited.level);
    return drive_stopped(monitor, event);
}

bool command_stepexit(struct monitor *monitor, const char *arguments) {
    return cross(monitor, arguments, BIT(OBSERVE_EXIT));
}
bool command_stepentry(struct monitor *monitor, const char *arguments) {
    return cross(monitor, arguments, BIT(OBSERVE_ENTRY));
}
