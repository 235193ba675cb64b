// Letting the guest run until one thing is seen.
#ifndef MONITOR_AWAIT_H
#define MONITOR_AWAIT_H
#include "devices/machine/machine_observe.h"
#include "monitor/session/monitor.h"

// Runs until the predicate holds for a sight of the wanted kinds, or something else stops the guest; awaited->seen says
// which.
struct awaited {
    bool seen;
    struct sight sight;
    unsigned level; // that ran then
};
typedef bool await_fn(struct monitor *monitor, struct cpu *cpu, const struct sight *sight, void *context);
enum run_event await_sight(struct monitor *monitor, uint64_t wanted, await_fn *holds, void *context,
                           struct awaited *awaited);

#endif
