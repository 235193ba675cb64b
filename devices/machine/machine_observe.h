// Watching a machine: cpu/watch/observe.h for all its processors, several users at once. No cost while nothing is set,
// and never any effect on the machine's state: it runs through the same states whoever looks on.
//
// A user fills a struct observer (what it wants to see, and who receives it) or a struct point (a breakpoint or
// watchpoint) and adds it. When a receiver calls cpu_stop, machine_run returns MACHINE_OBSERVED: the processor is then
// at the next instruction boundary; where an instruction is about to be attempted, before it. Running on does not meet
// the same breakpoint again at once. A machine that stopped before an instruction, after the events of its boundary
// (machine_held), takes no offer until it has run on.
//
// A point knows nothing of levels or address spaces: its receiver asks (vmx_level, cr3, ...) and stops or does not.
#ifndef DEVICES_MACHINE_OBSERVE_H
#define DEVICES_MACHINE_OBSERVE_H
#include "cpu/watch/observe.h"
#include "devices/machine/machine.h"

// Those that follow stand behind all others.
// The caller keeps them; they must stay where they are until removed. To be called between runs.
void machine_add_observer(struct machine *machine, struct observer *observer);
void machine_remove_observer(struct machine *machine, struct observer *observer);
void machine_observers_changed(struct machine *machine); // after a change of `wanted`
void machine_add_point(struct machine *machine, struct point *point);
void machine_remove_point(struct machine *machine, struct point *point);

// Also from within a receiver: sets a flag (enum page_flag) of a page that points of space POINT_PAGES look at.
void machine_flag_page(struct machine *machine, uint64_t physical, unsigned flag, bool on);
// The same: what processors keep for quick accesses is dropped, of one linear page or of one processor.
void machine_drop_linear(struct machine *machine, uint64_t linear);
void machine_drop_quick(struct machine *machine, unsigned cpu);

// After MACHINE_OBSERVED: the processor that was seen. With several, it stays the one whose turn it is.
unsigned machine_observed_cpu(const struct machine *machine);
// The processor whose turn it is, and which takes the next step.
unsigned machine_turn(const struct machine *machine);
// Between runs: breakpoints at the next instruction of a processor do not stop it once more. For running on from where
// a person has looked around after any other stop than MACHINE_OBSERVED.
void machine_pass_points(struct machine *machine, unsigned cpu);
// Whether a processor stands after the events of its boundary, before the attempt that must follow.
bool machine_held(const struct machine *machine);

// Memory as a processor sees it at this moment, through its page tables and EPT, without a trace. False: part of it is
// not mapped, or not RAM.
bool machine_read_linear(struct machine *machine, unsigned cpu, uint64_t linear, void *to, size_t length);
// The same through other roots, of a level that waits (cpu/memory/peek.h).
struct peek_roots;
bool machine_read_through(struct machine *machine, const struct peek_roots *roots, uint64_t linear, void *to,
                          size_t length);

#endif
