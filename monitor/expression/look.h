// What a person, a script or a tool looks at: which machine, processor and level; what is known beside the machine; and
// where what is found and what is wrong is printed.
#ifndef MONITOR_LOOK_H
#define MONITOR_LOOK_H
#include "devices/history/history.h"
#include "monitor/explain/view.h"
#include "monitor/host/output.h"
#include <stdint.h>

struct symbols;

enum { LOOK_VALUES = 64 };
struct look {
    struct machine *machine;
    struct output *output;
    struct symbols *symbols;   // NULL: none were read yet
    unsigned processor;        // the one looked at
    bool chosen;               // by a person, who stays with it when the machine is moved in time
    int level;                 // looked at where none is named; -1: the one that runs
    const struct sight *sight; // what is seen now, or what the guest was stopped by: what names like `port` mean
    bool in_sight;             // it is seen now, in the middle of a block: RIP and steps are those of the sight
    struct printed {
        uint64_t value[LOOK_VALUES]; // $1, $2, ... are value[n % LOOK_VALUES]
        unsigned count;
    } printed; // by print
};

const struct cpu *look_cpu(const struct look *look); // the processor that is looked at
// The n-th part of the machine's state of that name (machine_part); NULL: none.
const void *look_part(const struct look *look, const char *name, unsigned n);

// One level of the processor that is looked at, with what was just seen; `level` -1: the level that runs. False, after
// an error, when the level has no state to look at.
bool view_make(const struct look *look, int level, struct view *view);
// What VT-x did so far. NULL after an error: the processor has none. The same of the processor that is looked at.
const struct history *look_history(const struct look *look);
const struct history_cpu *look_past(const struct look *look);
bool view_exists(const struct look *look, unsigned level);

#endif
