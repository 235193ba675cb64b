// Going back by what was done: reverse-next, reverse-finish, reverse-stepexit, reverse-stepentry.
#include "cpu/processor/observing.h"
#include "devices/asking/seek.h"
#include "devices/machine/machine_observe.h"
#include "monitor/drive/back.h"
#include "monitor/drive/drive.h"
#include "monitor/show/disassemble.h"
#include "monitor/show/sight.h"
#include "monitor/stops/stops.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <string.h>

// What is interrupted leaves the machine where the whole command began.
static bool tell_beginning(struct monitor *monitor, enum run_event event, const struct position *began) {
    if (event == RUN_ASKED) back_home(monitor, began);
    if (event == RUN_TARGET)
        print_in(monitor, CYAN, "There is nothing like that before: this is the beginning of the past.\n");
    return drive_stopped(monitor, event);
}

// --- VM exits and entries ---

struct crossing {
    struct monitor *monitor;
    struct observer observer;
    bool sees;               // since the last stop
    struct sight seen, last; // in the stretch that is gone through; at the last stop
    unsigned seen_level, level;
};

static void cross_see(void *context, struct cpu *cpu, const struct sight *sight) {
    struct crossing *c = context;
    if (sight->kind == OBSERVE_FAILED_ENTRY && !(sight->number & ENTRY_FAILURE_BIT)) return; // VMfail
    c->sees = true;
    c->seen = *sight;
    c->seen_level = vmx_level(cpu);
    cpu_stop(cpu);
}
static void cross_begin(void *context) {
    struct crossing *c = context;
    machine_add_observer(c->monitor->look.machine, &c->observer);
}
static void cross_end(void *context) {
    struct crossing *c = context;
    machine_remove_observer(c->monitor->look.machine, &c->observer);
}
static bool cross_counts(void *context) {
    struct crossing *c = context;
    bool sees = c->sees;
    c->sees = false;
    if (sees) c->last = c->seen;
    if (sees) c->level = c->seen_level;
    return sees;
}

static bool cross_back(struct monitor *monitor, const char *arguments, uint64_t wanted, const char *what) {
    struct crossing c = {.monitor = monitor};
    struct seek seek = {&c, cross_begin, cross_end, cross_counts};
    uint64_t times;
    enum run_event event = RUN_CAUGHT;
    c.observer = (struct observer){.wanted = wanted, .context = &c, .see = cross_see};
    struct position present;
    if (!back_timeline(monitor) || !drive_take_times(monitor, arguments, &times) || !back_keep(monitor, &present))
        return false;
    for (uint64_t i = 0; i < times && event == RUN_CAUGHT; i++) event = back_to_last(monitor, &seek);
    if (event == RUN_TARGET)
        return back_to_position(monitor, &present) &&
               monitor_error(monitor, "there are not so many VM %s before this, as far as the past is kept", what);
    if (times && event == RUN_CAUGHT) sight_print(&monitor->look, &c.last, c.level);
    return tell_beginning(monitor, event, &present);
}

bool command_reverse_stepexit(struct monitor *monitor, const char *arguments) {
    return cross_back(monitor, arguments, BIT(OBSERVE_EXIT) | BIT(OBSERVE_FAILED_ENTRY), "exits");
}
bool command_reverse_stepentry(struct monitor *monitor, const char *arguments) {
    return cross_back(monitor, arguments, BIT(OBSERVE_ENTRY), "entries");
}

// --- next ---

// Where a function was called from, or where an interrupt came: a moment in a frame, at one of some addresses.
enum { CALL_LONGEST = 8 };
struct frame_before {
    struct monitor *monitor;
    unsigned level, processor;
    uint64_t rsp, cr3, rip;
    bool hit;         // since the last stop
    unsigned lengths; // addresses from `rip` - 1 back; 0: `rip` itself
    struct point point[CALL_LONGEST];
};

static struct frame_before frame_of(struct monitor *monitor, const struct view *view) {
    return (struct frame_before){.monitor = monitor,
                                 .level = view->level,
                                 .processor = view->cpu->id,
                                 .rsp = view->gpr[RSP],
                                 .cr3 = view->cr3,
                                 .rip = view_code_address(view)};
}

static bool is_call_to(struct monitor *monitor, uint64_t back_at) {
    struct view view;
    struct instruction i;
    if (!view_make(&monitor->look, -1, &view)) return false;
    uint64_t here = view_code_address(&view);
    return disassemble(&monitor->look, &view, SPACE_LINEAR, here, 0, &i) && i.kind == INSTRUCTION_CALL &&
           here + i.length == back_at;
}

static void frame_hit(struct point *point, struct cpu *cpu, const struct sight *sight) {
    struct frame_before *f = point->context;
    unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    (void)sight;
    if (cpu->id != f->processor || level != f->level || cpu->gpr[RSP] != f->rsp || cpu->control.cr3 != f->cr3) return;
    f->hit = true;
    cpu_stop(cpu);
}
static void frame_begin(void *context) {
    struct frame_before *f = context;
    for (unsigned i = 0; i < (f->lengths ? f->lengths : 1); i++) {
        f->point[i] = (struct point){.address = f->lengths ? f->rip - i - 1 : f->rip,
                                     .space = POINT_LINEAR,
                                     .access = POINT_EXECUTE,
                                     .context = f,
                                     .hit = frame_hit};
        machine_add_point(f->monitor->look.machine, &f->point[i]);
    }
}
static void frame_end(void *context) {
    struct frame_before *f = context;
    for (unsigned i = 0; i < (f->lengths ? f->lengths : 1); i++)
        machine_remove_point(f->monitor->look.machine, &f->point[i]);
}
static bool frame_counts(void *context) {
    struct frame_before *f = context;
    bool hit = f->hit && machine_turn(f->monitor->look.machine) == f->processor;
    f->hit = false;
    if (!hit) return false;
    f->monitor->look.processor = f->processor;
    f->monitor->look.level = -1;
    return !f->lengths || is_call_to(f->monitor, f->rip);
}

static bool find_frame(struct frame_before *f, unsigned lengths) {
    struct seek seek = {f, frame_begin, frame_end, frame_counts};
    f->lengths = lengths;
    return back_to_last(f->monitor, &seek) == RUN_CAUGHT;
}

// To the first iteration of a repeated string instruction.
static enum run_event to_first_iteration(struct monitor *monitor, const struct frame_before *f) {
    uint64_t rip, step;
    const struct cpu *cpu = machine_cpu(monitor->look.machine, f->processor);
    enum run_event event = RUN_CAUGHT;
    rip = cpu->rip;
    do {
        step = machine_steps(monitor->look.machine);
        event = back_to_level(monitor, f->level, f->processor);
    } while (event == RUN_CAUGHT && cpu->rip == rip);
    return event == RUN_ASKED || !back_to_step(monitor, step) ? RUN_ASKED : RUN_CAUGHT;
}

static enum run_event next_back(struct monitor *monitor) {
    struct view view;
    struct instruction i;
    drive_follow(monitor);
    if (!view_make(&monitor->look, -1, &view)) return RUN_ASKED;
    struct frame_before frame = frame_of(monitor, &view);
    enum run_event event = back_to_level(monitor, frame.level, frame.processor);
    if (event != RUN_CAUGHT || !view_make(&monitor->look, -1, &view)) return event;
    if (!disassemble(&monitor->look, &view, SPACE_LINEAR, view_code_address(&view), 0, &i)) return event;
    if (i.kind == INSTRUCTION_REPEAT) return to_first_iteration(monitor, &frame);
    if (i.kind != INSTRUCTION_RETURN) return event;
    uint64_t step = machine_steps(monitor->look.machine);
    bool interrupt = !strncmp(i.text, "iret", 4);
    if (!find_frame(&frame, interrupt ? 0 : CALL_LONGEST)) return back_to_step(monitor, step) ? RUN_CAUGHT : RUN_ASKED;
    return interrupt ? next_back(monitor) : RUN_CAUGHT;
}

bool command_reverse_next(struct monitor *monitor, const char *arguments) {
    struct position began;
    uint64_t times;
    enum run_event event = RUN_CAUGHT;
    machine_position(monitor->look.machine, &began);
    if (!back_timeline(monitor) || !drive_take_times(monitor, arguments, &times)) return false;
    for (; times && event == RUN_CAUGHT; times--) event = next_back(monitor);
    return tell_beginning(monitor, event, &began);
}

// --- finish ---

// The calls that have not returned, followed through a stretch that ends at the present.
enum { CALLS = 1024 };
struct calls {
    struct monitor *monitor;
    unsigned level, processor, count;
    uint64_t cr3;
    struct call {
        uint64_t step, slot; // of the call; address of its return address
    } call[CALLS];
};

// Calls whose return address lies below the stack pointer have returned.
static void drop_returned(struct calls *c, uint64_t rsp) {
    while (c->count && c->call[c->count - 1].slot < rsp) c->count--;
}

static void see_branch(void *context, struct cpu *cpu, const struct sight *sight) {
    struct calls *c = context;
    uint64_t address = 0;
    if (cpu->id != c->processor || (cpu->wire.extension ? vmx_level(cpu) : 0) != c->level || cpu->control.cr3 != c->cr3)
        return;
    drop_returned(c, cpu->gpr[RSP]);
    bool is_call = machine_read_linear(c->monitor->look.machine, cpu->id, cpu->gpr[RSP], &address, 4) &&
                   (uint32_t)address == (uint32_t)sight->old && sight->value != sight->old;
    if (!is_call || (c->count && c->call[c->count - 1].slot == cpu->gpr[RSP])) return;
    if (c->count == CALLS) memmove(c->call, c->call + 1, --c->count * sizeof *c->call);
    c->call[c->count++] = (struct call){sight->step + cpu->wire.other_steps - 1, cpu->gpr[RSP]};
}

// From a step to the present.
static bool follow_calls(struct calls *c, uint64_t from, const struct position *present, const char **wrong) {
    struct timeline *t = c->monitor->run->timeline;
    struct observer observer = {.wanted = BIT(OBSERVE_BRANCH), .context = c, .see = see_branch};
    c->count = 0;
    if (!timeline_go_step(t, from, wrong)) return false;
    machine_add_observer(c->monitor->look.machine, &observer);
    enum machine_stop why;
    do why = timeline_run_to(t, present);
    while (why == MACHINE_OBSERVED);
    machine_remove_observer(c->monitor->look.machine, &observer);
    const struct cpu *cpu = machine_cpu(c->monitor->look.machine, c->processor);
    drop_returned(c, cpu->gpr[RSP]);
    if (machine_stop_is_final(why)) *wrong = why == MACHINE_LOST ? "the inputs" : "the host";
    if (why == MACHINE_INTERRUPTED) *wrong = "interrupted";
    return !*wrong;
}

bool command_reverse_finish(struct monitor *monitor, const char *arguments) {
    struct timeline *t = back_timeline(monitor);
    struct timeline_facts facts;
    struct position present;
    struct view view;
    static const uint64_t first_stretch = 10000, growth = 16;
    const char *wrong = NULL;
    (void)arguments;
    drive_follow(monitor);
    if (!t || !view_make(&monitor->look, -1, &view)) return false;
    struct calls c = {.monitor = monitor, .level = view.level, .processor = view.cpu->id, .cr3 = view.cr3};
    timeline_facts(t, &facts);
    machine_position(monitor->look.machine, &present);
    back_depart(monitor);
    for (uint64_t stretch = first_stretch; !c.count; stretch *= growth) {
        uint64_t left = present.steps - facts.first.steps, back = stretch < left ? stretch : left;
        if (!follow_calls(&c, present.steps - back, &present, &wrong) || back == left) break;
    }
    if (wrong) back_return(monitor, &present);
    back_arrive(monitor);
    if (wrong) return monitor_error(monitor, "reverse-finish: %s", wrong);
    if (c.count) return back_to_step(monitor, c.call[c.count - 1].step) && drive_stopped(monitor, RUN_TARGET);
    return back_to_position(monitor, &present) &&
           monitor_error(monitor, "the call of this function lies before the past that is kept, or it was not called");
}
