// A run under the monitor, from its first step to its end.
#ifndef MONITOR_SERVE_H
#define MONITOR_SERVE_H
#include "monitor/session/monitor.h"

void monitor_init(struct monitor *monitor, struct run *run);
void monitor_free(struct monitor *monitor);
// The run from its first step to its end, with a prompt where one is asked for.
enum status monitor_drive(struct monitor *monitor);

#endif
