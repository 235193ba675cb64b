// VM exits in numbers, and exits that come again and again without progress, as values and facts.
#ifndef MONITOR_CAUSES_EXITS_H
#define MONITOR_CAUSES_EXITS_H
#include "devices/history/history.h"
#include "monitor/explain/fact.h"

struct exit_total {
    uint64_t exits, cycles, entries; // of a level; cycles: to the next entry
};
struct exit_total exit_total(const struct cpu *cpu, unsigned level);
struct exit_count {
    unsigned reason;
    uint64_t count, cycles;
};
// The next reason from *reason on for which the level exited; false: no more.
bool exit_count_next(const struct cpu *cpu, unsigned level, unsigned *reason, struct exit_count *out);

// The exit that the level makes again and again, its registers unchanged. NULL: its last exit was another than the one
// before, or the same by chance.
const struct history_loop *exit_loop(const struct history_cpu *past, unsigned level);
// The loop is the first fact; the rules by which the exit happens (exit_facts) follow from it. 0: there is no loop.
unsigned exit_loop_facts(const struct cpu *cpu, const struct history_cpu *past, unsigned level, struct fact *facts,
                         unsigned max);

#endif
