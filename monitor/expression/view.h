// The views of monitor/explain/view.h as commands make them: of the processor that is looked at, with what was just
// seen, and errors for the user.
#ifndef MONITOR_EXPRESSION_VIEW_H
#define MONITOR_EXPRESSION_VIEW_H
#include "monitor/commands/command.h"
#include "monitor/explain/view.h"

// `level` -1: the level that runs. False, after an error, when the level has no state to look at.
bool view_make(struct monitor *monitor, int level, struct view *view);
bool view_exists(const struct monitor *monitor, unsigned level);

#endif
