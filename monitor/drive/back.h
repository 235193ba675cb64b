// Going back: to a step, to the last stop, to a mark.
#ifndef MONITOR_BACK_H
#define MONITOR_BACK_H
#include "devices/asking/seek.h"
#include "monitor/session/monitor.h"

// The past of the run, or NULL after an error.
struct timeline *back_timeline(struct monitor *monitor);
// Says, as an error, that a step is not kept. False.
bool back_out_of_reach(struct monitor *monitor, uint64_t step);
// To the first position at a step. Says what is in the way.
bool back_to_step(struct monitor *monitor, uint64_t step);
bool back_to_position(struct monitor *monitor, const struct position *at);
bool back_told(struct monitor *monitor, bool gone);       // where it is now, if it went there
bool back_steps(struct monitor *monitor, uint64_t steps); // back, and tells
// Where the machine is, to come back to. False after an error.
bool back_keep(struct monitor *monitor, struct position *present);
// Around what goes back by itself: nobody sees what the guest does once more.
void back_depart(struct monitor *monitor);
void back_arrive(struct monitor *monitor);
// From a way that was interrupted, between the two; and from several ways, after them.
void back_return(struct monitor *monitor, const struct position *from);
void back_home(struct monitor *monitor, const struct position *began);
// To the last moment before the present that is looked for. RUN_TARGET: there was none, and the machine is at the
// beginning. RUN_ASKED: interrupted.
enum run_event back_to_last(struct monitor *monitor, const struct seek *seek);
// To the last moment before the present at which a stop of any kind would have stopped the guest, as if it had. Of who
// has stops beside the monitor's own: what they caught is forgotten, kept at a stop, and recalled when it was the last.
// NULL: nobody.
struct back_also {
    void *whom;
    void (*forget)(void *whom), (*keep)(void *whom), (*recall)(void *whom);
};
enum run_event back_to_stop(struct monitor *monitor, const struct back_also *also);
// To the last instruction before the present that began in a level on a processor. RUN_TARGET: there was none.
enum run_event back_to_level(struct monitor *monitor, unsigned level, unsigned processor);

#endif
