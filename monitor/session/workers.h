// The threads that search the past side by side, for the library (devices/history/side_by_side.h): they come with a
// question and go with its answer.
#ifndef MONITOR_WORKERS_H
#define MONITOR_WORKERS_H
#include "monitor/session/run.h"

// As many as the process has cores, up to a few.
unsigned workers_usual(void);
// Hands them to the run's past, -history-workers at a time.
void workers_serve(struct run *run);

#endif
