// The stages of a translation, printed entry by entry.
#ifndef MONITOR_SHOW_WALK_STAGE_H
#define MONITOR_SHOW_WALK_STAGE_H
#include "monitor/explain/walk.h"
#include "monitor/session/monitor.h"

const char *show_rights_name(uint64_t rights); // of EPT: "r-x"
void show_first_stage(struct monitor *monitor, const struct view *view, const struct walk *walk);
// Of the processor, and of a level's own.
void show_second_stage(struct monitor *monitor, const struct view *view, const struct walk *walk);
void show_own_stage(struct monitor *monitor, const struct view *view, unsigned level, const struct walk *walk);

#endif
