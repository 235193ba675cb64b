// Going back: to a step, to the last stop, to a mark.
#ifndef MONITOR_BACK_H
#define MONITOR_BACK_H
#include "monitor/session/monitor.h"

// The past of the run, or NULL after an error.
struct timeline *back_timeline(struct monitor *monitor);
// Says, as an error, that a step is not kept. False.
bool back_out_of_reach(struct monitor *monitor, uint64_t step);
// To the first position at a step. Says what is in the way.
bool back_to_step(struct monitor *monitor, uint64_t step);
// To the last moment before the present at which a stop of any kind would have stopped the guest, as if it had.
// RUN_TARGET: there was none, and the machine is at the beginning. RUN_ASKED: interrupted.
// `forget` is called before each stretch that is gone through; NULL: the monitor's own stops alone are asked for.
enum run_event back_to_stop(struct monitor *monitor, void (*forget)(void *whom), void *whom);
// To the last instruction before the present that began in a level on a processor. RUN_TARGET: there was none.
enum run_event back_to_level(struct monitor *monitor, unsigned level, unsigned processor);
void back_free(struct monitor *monitor);

#endif
