// Going back: to a step, to the last stop, to a mark.
#ifndef MONITOR_BACK_H
#define MONITOR_BACK_H
#include "monitor/session/monitor.h"

// The past of the run, or NULL after an error.
struct timeline *back_timeline(struct monitor *monitor);
// To the first position at a step. Says what is in the way.
bool back_to_step(struct monitor *monitor, uint64_t step);
// To the last moment before the present at which a stop of any kind would have stopped the guest, as if it had.
// RUN_TARGET: there was none, and the machine is at the beginning. RUN_ASKED: interrupted.
enum run_event back_to_stop(struct monitor *monitor);
void back_free(struct monitor *monitor);

#endif
