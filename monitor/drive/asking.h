// A question about the past: the machine goes there, and comes back to where it was, with all that the prompt
// remembers.
#ifndef MONITOR_ASKING_H
#define MONITOR_ASKING_H
#include "devices/asking/scan.h"
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include "monitor/stops/stops.h"

struct asking {
    struct monitor *monitor;
    struct timeline *timeline;
    struct position present;
    struct look look;                    // as it was
    struct caught caught[STOPS_AT_ONCE]; // what the prompt knows of why the guest stopped
    unsigned caught_count;
    uint64_t before; // asked about what came before this step
};
// False after an error. `step` ~0: about what came before the present; else the machine goes there.
bool asking_begin(struct monitor *monitor, uint64_t step, struct asking *asking);
// Back to the present. False after an error.
bool asking_end(struct asking *asking);
// Goes to a step, and looks at the processor whose turn it is there, and the level that runs.
bool asking_go(struct asking *asking, uint64_t step, const char **wrong);

// [before STEP] among the arguments; ~0: it is not there. False after an error.
bool take_before(struct monitor *monitor, const char **text, uint64_t *step);
// One line: what became of the value; then who did it, at the step. The machine is moved there.
bool change_print(struct asking *asking, const struct change *change);

// What was asked about, as timeline_changed and timeline_values; a register of a level is looked up at each moment.
// asked_here: where it is at this moment; false: it is not there, and an error says so. (asked.c)
enum search asked_changed(struct asking *asking, const struct asked *asked, enum search_depth depth,
                          struct change *change, const char **wrong);
enum search asked_values(struct asking *asking, const struct asked *asked, struct scan_span span, scan_change_fn *one,
                         void *context, const char **wrong);
bool asked_value(struct asking *asking, const struct asked *asked, uint64_t *value);
bool asked_here(struct asking *asking, const struct asked *asked, struct place *place);

#endif
