// The run loop's door.
#ifndef CPU_CPU_RUN_H
#define CPU_CPU_RUN_H
#include "cpu/state/cpu.h"

// Runs for `steps` steps at most; returns early when the processor stops, or when something asked through
// cpu->attention for the machine's attention. At return all of steps, rip and flags are exact.
enum run_result {
    RUN_BUDGET,
    RUN_ATTENTION,
    RUN_HALTED,
    RUN_SHUTDOWN,
    RUN_STOPPED /* cpu_stop */,
    RUN_HELD /* cpu_hold */
};
enum run_result cpu_run(struct cpu *cpu, uint64_t steps);
// The same, and no further than the first boundary at or after a cycle.
enum run_result cpu_run_until(struct cpu *cpu, uint64_t steps, uint64_t cycle);

// Between runs: the next run takes the events of the present boundary and returns RUN_HELD before the attempt that
// would follow them, or as soon as the boundary has taken so many events. cpu_let_go: after that run.
void cpu_hold(struct cpu *cpu, uint32_t events);
void cpu_let_go(struct cpu *cpu);
// How many events the processor has taken at the boundary where it stands.
uint32_t cpu_boundary_events(const struct cpu *cpu);

#endif
