// next: running on in the present function, over what it calls.
#include "monitor/drive/await.h"
#include "monitor/drive/drive.h"
#include "monitor/drive/frame.h"
#include "monitor/show/disassemble.h"
#include "monitor/stops/stops.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/observing.h"

void frame_here(struct monitor *monitor, const struct view *view, struct frame *frame) {
    *frame = (struct frame){.monitor = monitor,
                            .level = view->level,
                            .processor = monitor->look.processor,
                            .vmcs = view->vmcs,
                            .rsp = view->gpr[RSP],
                            .cr3 = view->cr3};
}

const struct cpu *frame_runs(struct monitor *monitor, const struct frame *f) {
    const struct cpu *cpu = machine_cpu(monitor->look.machine, f->processor);
    if (machine_turn(monitor->look.machine) != f->processor) return NULL;
    if (!f->level) return vmx_in_non_root(cpu) ? NULL : cpu;
    return vmx_in_non_root(cpu) && vmx_current_vmcs(cpu) == f->vmcs ? cpu : NULL;
}

// Behind the call, in the frame where it began.
static void passed(struct point *point, struct cpu *cpu, const struct sight *sight) {
    const struct frame *f = point->context;
    (void)sight;
    if (cpu->id == f->processor && frame_runs(f->monitor, f) && cpu->gpr[RSP] >= f->rsp && cpu->control.cr3 == f->cr3)
        cpu_stop(cpu);
}

static enum run_event pass_over(struct monitor *monitor, struct frame *frame) {
    struct point point = {
        .address = frame->address, .space = POINT_LINEAR, .access = POINT_EXECUTE, .context = frame, .hit = passed};
    machine_add_point(monitor->look.machine, &point);
    enum run_event event = drive_until(monitor, UINT64_MAX);
    machine_remove_point(monitor->look.machine, &point);
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
    enum run_event event = drive_until(monitor, machine_steps(monitor->look.machine) + 1);
    bool away = machine_turn(monitor->look.machine) == frame->processor && !frame_runs(monitor, frame);
    if (event != RUN_TARGET || stops_caught(monitor) || !away) return event;
    return await_sight(monitor, BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), back, frame, &seen);
}

static bool next_once(struct monitor *monitor, enum run_event *event) {
    struct view view;
    struct instruction i;
    struct frame frame;
    drive_follow(monitor);
    if (!view_make(&monitor->look, -1, &view)) return false;
    bool decoded = disassemble(&monitor->look, &view, SPACE_LINEAR, view_code_address(&view), 0, &i);
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
    if (!drive_take_times(monitor, arguments, &times)) return false;
    stops_begin(monitor);
    for (; times && event != RUN_OVER && event != RUN_ASKED && !stops_caught(monitor); times--)
        if (!next_once(monitor, &event)) return false;
    return drive_stopped(monitor, event);
}
