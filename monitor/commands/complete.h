// What Tab completes to: commands, their literal arguments, files, devices, registers, MSRs, VMCS fields, exit reasons,
// symbols.
#ifndef MONITOR_COMPLETE_H
#define MONITOR_COMPLETE_H
#include "monitor/session/monitor.h"

// The candidates for a line whose last word is `word` at `start`, one at a time: an allocated string, or NULL after the
// last. `state` is 0 for the first.
char *complete_candidate(const struct monitor *monitor, const char *line, const char *word, int start, int state);
// Whether the command of the line takes a file.
bool complete_takes_file(const char *line);

#endif
