// Setting observers and points.
#ifndef CPU_OBSERVING_H
#define CPU_OBSERVING_H
#include "cpu/watch/observe.h"

// The processor's observers and points from now on: the caller's lists, NULL for none. To be called between runs, also
// after a change in a list. Points are shared by processors over the same memory: give all of them the same.
void cpu_observe(struct cpu *cpu, struct observer *observers);
void cpu_set_points(struct cpu *cpu, struct point *points);
// From within a receiver, or between runs: cpu_run returns RUN_STOPPED, once.
void cpu_stop(struct cpu *cpu);
// Between runs: what the next attempt would tell about its beginning (instruction, breakpoints) is not told. For going
// on from where a person has already stopped by other means. After RUN_STOPPED it is not needed.
void cpu_pass(struct cpu *cpu);

// Between runs; NULL: one cycle a step. `timing` must outlive the processor. See cpu/state/timing.h.
struct timing;
void cpu_set_timing(struct cpu *cpu, const struct timing *timing);

#endif
