// finish: running on until the present function has returned. Where tables of the code (ORC, call frame information)
// say what it returns to, and with which stack pointer, that is waited for, on whichever stack it runs meanwhile. Else
// calls and returns are followed: the return that consumes what none of these calls pushed is the one. Between an event
// and the IRET that goes back to where it came nothing counts.
// NOT IMPLEMENTED: another thread with the same CR3 that goes on meanwhile, without tables.
#include "cpu/processor/observing.h"
#include "monitor/drive/await.h"
#include "monitor/drive/drive.h"
#include "monitor/drive/frame.h"
#include "monitor/explain/walk.h"
#include "monitor/show/disassemble.h"
#include "monitor/unwind/unwind.h"
#include <string.h>

enum { CALLS = 256, EVENTS = 16, ARGUMENTS = 1 << 16 /* that a return may take off the stack, in bytes */ };

struct leaving {
    struct frame frame;
    uint64_t caller; // its stack pointer, where tables say it
    unsigned calls, events;
    struct {
        uint64_t slot, address; // where the return address lies
    } call[CALLS];
    uint64_t event[EVENTS]; // stack pointers of what was interrupted
};

static bool is_here(struct monitor *monitor, const struct cpu *cpu, const struct frame *f) {
    return cpu->id == f->processor && frame_runs(monitor, f) && cpu->control.cr3 == f->cr3;
}

// --- by tables ---

static void arrived(struct point *point, struct cpu *cpu, const struct sight *sight) {
    const struct leaving *l = point->context;
    (void)sight;
    if (is_here(l->frame.monitor, cpu, &l->frame) && cpu->gpr[RSP] - l->caller < ARGUMENTS) cpu_stop(cpu);
}

static bool tables_say(struct monitor *monitor, const struct view *view, struct leaving *l) {
    struct unwind u;
    struct backing backing = {0};
    struct view with = *view;
    with.backing = &backing;
    unwind_begin(&u, &with, monitor->look.symbols, monitor->names.of[view->level].head);
    if (!unwind_next(&u) || (u.how != UNWIND_ORC && u.how != UNWIND_CFI) || !unwind_knows(&u, RSP)) return false;
    l->frame.address = u.ip;
    l->caller = u.gpr[RSP];
    return true;
}

static enum run_event run_to_caller(struct monitor *monitor, struct leaving *l) {
    struct point point = {
        .address = l->frame.address, .space = POINT_LINEAR, .access = POINT_EXECUTE, .context = l, .hit = arrived};
    machine_add_point(monitor->look.machine, &point);
    enum run_event event = drive_until(monitor, UINT64_MAX);
    machine_remove_point(monitor->look.machine, &point);
    return event;
}

// --- by calls and returns ---

static void note_event(struct leaving *l, uint64_t rsp) {
    if (l->events < EVENTS) l->event[l->events++] = rsp;
}

// An event that is delivered again after a VM exit was noted twice.
static bool event_returns(struct leaving *l, uint64_t rsp) {
    for (unsigned i = 0; i < l->events; i++) {
        if (l->event[i] != rsp) continue;
        l->events = i;
        return true;
    }
    return false;
}

static bool is_call(struct leaving *l, const struct cpu *cpu, const struct sight *sight) {
    uint32_t address = 0;
    uint64_t slot = cpu->gpr[RSP];
    if (sight->value == sight->old ||
        !machine_read_linear(l->frame.monitor->look.machine, cpu->id, slot, &address, sizeof address) ||
        address != (uint32_t)sight->old)
        return false;
    if (l->calls == CALLS) memmove(l->call, l->call + 1, --l->calls * sizeof *l->call);
    l->call[l->calls].slot = slot;
    l->call[l->calls++].address = sight->old;
    return true;
}

// A return from one of the calls, also one whose return address was replaced.
static bool call_returns(struct leaving *l, uint64_t rsp, uint64_t to) {
    for (unsigned i = l->calls; i--;) {
        uint64_t off = rsp - l->call[i].slot;
        bool plain = off == 4 || off == 8, far = l->call[i].address == to && off && off < ARGUMENTS;
        if (!plain && !far) continue;
        memmove(l->call + i, l->call + i + 1, (--l->calls - i) * sizeof *l->call);
        return true;
    }
    return false;
}

static bool is_return(struct monitor *monitor, const struct view *view, const struct sight *sight,
                      struct instruction *i) {
    uint64_t linear = view_code_bits(view) == 64 ? sight->rip : (uint32_t)(view->base[CS] + sight->rip);
    return disassemble(&monitor->look, view, SPACE_LINEAR, linear, 0, i) && i->kind == INSTRUCTION_RETURN;
}

// A pushed address that is jumped to with RET is no return. Below where it was the stack pointer says nothing.
static bool leads_behind_call(struct monitor *monitor, const struct view *view, const struct sight *sight) {
    struct unwind u;
    uint64_t target, linear = sight->value;
    if (view_code_bits(view) != 64) linear = (uint32_t)(view->base[CS] + linear);
    unwind_begin(&u, view, monitor->look.symbols, 0);
    return unwind_follows_call(&u, linear, &target);
}

static bool returns(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context) {
    struct leaving *l = context;
    struct view view;
    struct instruction i;
    if (cpu->id != l->frame.processor || !frame_runs(monitor, &l->frame)) return false;
    if (sight->kind != OBSERVE_BRANCH) {
        note_event(l, cpu->gpr[RSP]);
        return false;
    }
    if (!l->events && (cpu->control.cr3 != l->frame.cr3 || is_call(l, cpu, sight))) return false;
    monitor->look.processor = cpu->id;
    if (!view_make(&monitor->look, -1, &view) || !is_return(monitor, &view, sight, &i)) return false;
    bool interrupt = strncmp(i.text, "iret", 4) == 0;
    if (interrupt && event_returns(l, cpu->gpr[RSP])) return false;
    if (l->events || (!interrupt && call_returns(l, cpu->gpr[RSP], sight->value))) return false;
    return cpu->gpr[RSP] > l->frame.rsp || leads_behind_call(monitor, &view, sight);
}

bool command_finish(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    struct view view;
    struct leaving leaving = {0};
    struct awaited seen;
    drive_follow(monitor);
    if (!view_make(&monitor->look, -1, &view)) return false;
    frame_here(monitor, &view, &leaving.frame);
    if (tables_say(monitor, &view, &leaving)) return drive_stopped(monitor, run_to_caller(monitor, &leaving));
    uint64_t wanted = BIT(OBSERVE_BRANCH) | BIT(OBSERVE_EXCEPTION) | BIT(OBSERVE_INTERRUPT);
    return drive_stopped(monitor, await_sight(monitor, wanted, returns, &leaving, &seen));
}
