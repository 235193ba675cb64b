// -why: what goes wrong explains itself when it happens, on stderr. docs/monitor.md has the rules by which a guest is
// called stuck, or in a loop of resets.
#ifndef MONITOR_SELF_EXPLAIN_H
#define MONITOR_SELF_EXPLAIN_H
#include "monitor/session/monitor.h"

struct self_explain;
// Begins, if -why says so (or a person is in front of stderr and -why does not say no). NULL: it does not explain.
struct self_explain *self_explain_begin(struct monitor *monitor);
// At the end of the run: what is to be said of it; then everything is given back.
void self_explain_end(struct self_explain *self);

#endif
