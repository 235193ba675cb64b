// The run under the monitor: letting the guest run and coming back.
#ifndef MONITOR_DRIVE_H
#define MONITOR_DRIVE_H
#include "monitor/session/monitor.h"

// Lets the guest run until that step of the machine, or until something stops it. Prints nothing unless the run is
// over.
enum run_event drive_until(struct monitor *monitor, uint64_t step);
// The same, and looks after so many steps, and then after as many as each look says.
typedef uint64_t drive_look(struct monitor *monitor, void *context);
enum run_event drive_looking(struct monitor *monitor, uint64_t step, uint64_t every, drive_look *look, void *context);
// One step of the machine, between drive_running(true) and drive_running(false).
enum run_event drive_step(struct monitor *monitor);
void drive_running(struct monitor *monitor, bool on);
// The machine goes through its past, or stands there. Nobody types for the guest: a Ctrl-C is the terminal's, and asks.
void drive_going(struct monitor *monitor, bool on);
// The level after -l, and nothing else. `command`: what the error names.
bool drive_take_level(struct monitor *monitor, const char *arguments, const char *command, unsigned *level);
// What the guest has sent so far is written, so that what the monitor prints comes after it, on a line of its own.
void drive_come_back(struct monitor *monitor);
// The processor whose turn it is becomes the one looked at, and the level the one that runs.
void drive_follow(struct monitor *monitor);
// What was recorded ends here.
void drive_tell_end(struct monitor *monitor);
// Says that the machine was reset, if it was since the user was last told.
void drive_tell_reset(struct monitor *monitor);
// Says where a run that was let go has come to rest. False when it is over.
bool drive_stopped(struct monitor *monitor, enum run_event event);
// The argument of step and its like: a number of times, 1 when none is given. False after an error.
bool drive_take_times(struct monitor *monitor, const char *text, uint64_t *times);

// Of an exit reason: a VM entry that failed while it loaded the guest's state, which ends like a VM exit (26.8).
#define ENTRY_FAILURE_BIT BIT(31)

#endif
