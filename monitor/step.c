// Commands that let the guest run.
#include "devices/machine_observe.h"
#include "monitor/drive.h"
#include "monitor/expression.h"
#include "monitor/where.h"
#include "vmx/vmx.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Whether the run may go on to another step: it is not over, and nobody pressed Ctrl-C.
static bool fine(enum run_event event) { return event == RUN_TARGET; }

// A number of times: 1 when none is given.
static bool take_times(struct monitor *monitor, const char *text, uint64_t *times) {
    *times = 1;
    return !*text || (take_value(monitor, &text, times) && take_end(monitor, text));
}

static unsigned level_now(const struct monitor *monitor) {
    const struct cpu *cpu = machine_cpu(monitor->machine, machine_turn(monitor->machine));
    return cpu->extension ? vmx_level(cpu) : 0;
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

static bool at_level(struct monitor *monitor, void *context) { return level_now(monitor) == *(unsigned *)context; }

static bool step_level(struct monitor *monitor, const char *arguments) {
    uint64_t level;
    if (!take_value(monitor, &arguments, &level) || !take_end(monitor, arguments)) return false;
    if (level >= VMX_LEVELS) return monitor_error(monitor, "step -l: levels are 0 to %d", VMX_LEVELS - 1);
    unsigned wanted = (unsigned)level;
    return drive_stopped(monitor, step_until(monitor, at_level, &wanted));
}

bool command_step(struct monitor *monitor, const char *arguments) {
    uint64_t times;
    if (strncmp(arguments, "-l", 2) == 0) return step_level(monitor, arguments + 2);
    if (!take_times(monitor, arguments, &times)) return false;
    return drive_stopped(monitor, drive_until(monitor, machine_steps(monitor->machine) + times));
}

// --- next, finish ---

struct frame {
    unsigned level, processor;
    uint64_t vmcs, rsp, address, cr3;
    uint64_t previous; // RIP before the last step, for finish
    bool returned;
};

static void frame_here(struct monitor *monitor, const struct view *view, struct frame *frame) {
    *frame = (struct frame){.level = view->level,
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
static bool passed(struct monitor *monitor, void *context) {
    const struct frame *f = context;
    const struct cpu *cpu = same_level(monitor, f);
    return cpu && cpu->rip == f->address && cpu->gpr[RSP] >= f->rsp && cpu->cr3 == f->cr3;
}

static bool next_once(struct monitor *monitor, enum run_event *event) {
    struct view view;
    struct instruction i;
    struct frame frame;
    drive_follow(monitor);
    if (!view_make(monitor, -1, &view)) return false;
    bool decoded = disassemble(&view, SPACE_LINEAR, view_code_address(&view), 0, &i);
    frame_here(monitor, &view, &frame);
    frame.address = view.rip + i.length;
    if (decoded && (i.kind == INSTRUCTION_CALL || i.kind == INSTRUCTION_REPEAT))
        *event = step_until(monitor, passed, &frame);
    else
        *event = drive_until(monitor, machine_steps(monitor->machine) + 1);
    return true;
}

bool command_next(struct monitor *monitor, const char *arguments) {
    uint64_t times;
    enum run_event event = RUN_TARGET;
    if (!take_times(monitor, arguments, &times)) return false;
    for (; times && fine(event); times--)
        if (!next_once(monitor, &event)) return false;
    return drive_stopped(monitor, event);
}

// The step before took the stack pointer above where it was: was it a return?
static bool finished(struct monitor *monitor, void *context) {
    struct frame *f = context;
    const struct cpu *cpu = same_level(monitor, f);
    struct view view;
    struct instruction i;
    if (!cpu) return false;
    bool above = cpu->gpr[RSP] > f->rsp && cpu->cr3 == f->cr3;
    if (above && view_make(monitor, -1, &view) && disassemble(&view, SPACE_LINEAR, f->previous, 0, &i))
        f->returned = i.kind == INSTRUCTION_RETURN;
    f->previous =
        (cpu->mode & MODE_CODE_MASK) == MODE_CODE_64 ? cpu->rip : (uint32_t)(cpu->segment_base[CS] + cpu->rip);
    return f->returned;
}

bool command_finish(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    struct view view;
    struct frame frame;
    drive_follow(monitor);
    if (!view_make(monitor, -1, &view)) return false;
    frame_here(monitor, &view, &frame);
    frame.previous = view_code_address(&view);
    return drive_stopped(monitor, step_until(monitor, finished, &frame));
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
    return drive_stopped(monitor, drive_until(monitor, UINT64_MAX));
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

static bool in_root(struct monitor *monitor, void *context) {
    (void)context;
    return !vmx_in_non_root(machine_cpu(monitor->machine, machine_turn(monitor->machine)));
}
static bool in_non_root(struct monitor *monitor, void *context) { return !in_root(monitor, context); }

// To the first instruction on the other side, as often as said.
static bool cross(struct monitor *monitor, const char *arguments, until_fn *here, until_fn *there) {
    uint64_t times;
    enum run_event event = RUN_TARGET;
    if (!take_times(monitor, arguments, &times)) return false;
    for (; times && fine(event); times--) {
        if (!here(monitor, NULL)) event = step_until(monitor, here, NULL);
        if (fine(event)) event = step_until(monitor, there, NULL);
    }
    return drive_stopped(monitor, event);
}

bool command_stepexit(struct monitor *monitor, const char *arguments) {
    return cross(monitor, arguments, in_non_root, in_root);
}
bool command_stepentry(struct monitor *monitor, const char *arguments) {
    return cross(monitor, arguments, in_root, in_non_root);
}
