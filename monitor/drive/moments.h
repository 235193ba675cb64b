// Spans of the past among arguments.
#ifndef MONITOR_MOMENTS_H
#define MONITOR_MOMENTS_H
#include "devices/asking/scan.h"
#include "monitor/session/monitor.h"

// [from STEP] [to STEP] and nothing more: else all of the past up to the present. False after an error.
bool take_span(struct monitor *monitor, const char **text, struct scan_span *span);

#endif
