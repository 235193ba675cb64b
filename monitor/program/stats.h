// What --stats prints.
#ifndef MONITOR_STATS_H
#define MONITOR_STATS_H
#include "monitor/session/run.h"

struct stopwatch {
    double wall, cpu;
}; // seconds
struct stopwatch stopwatch_now(void);
// The run as it is now; `begin` is when it began.
void stats_print(const struct run *run, struct stopwatch begin);

#endif
