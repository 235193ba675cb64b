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

// What exits of a guest of a guest cost, until it ran again: of one kind, or of several together.
struct exit_price {
    uint64_t count, inside; // inside: exits that were made for them
    struct cost_sum all, level0, own;
    uint64_t worst_cycles, worst_step;
};
void exit_price_add(struct exit_price *to, const struct history_cpu *past, unsigned kind);
// The next kind of exits of the level from *kind on, of the reason (-1: of any) that was answered; false: no more.
bool exit_price_next(const struct history_cpu *past, unsigned level, int reason, unsigned *kind);
// The next kind that was made for exits of this kind, from *part on.
const struct cost_part *exit_part_next(const struct history_cpu *past, unsigned kind, unsigned *part);

// Of an EPT violation or misconfiguration: the rule that an entry breaks, or the rights that the access lacks and at which
// entry; `view` is that of the level that left. None for other exits.
struct view;
unsigned exit_ept_facts(const struct view *view, const struct history_exit *exit, struct fact *facts, unsigned max);
// The exit that the level makes again and again, its registers unchanged. NULL: its last exit was another than the one
// before, or the same by chance.
const struct history_loop *exit_loop(const struct history_cpu *past, unsigned level);
// What is likely meant where an exit repeats so, and what to do; NULL: nobody can guess.
const char *exit_loop_hint(const struct history_loop *loop);
// The loop is the first fact; the rules by which the exit happens (exit_facts) follow from it. 0: there is no loop.
unsigned exit_loop_facts(const struct cpu *cpu, const struct history_cpu *past, unsigned level, struct fact *facts,
                         unsigned max);

#endif
