// The stages of a translation, explained entry by entry.
#ifndef MONITOR_WALK_EXPLAIN_H
#define MONITOR_WALK_EXPLAIN_H
#include "monitor/commands/command.h"
#include "monitor/explain/walk.h"

enum ept_right { EPT_READ = 1, EPT_WRITE = 2, EPT_EXECUTE = 4 };
unsigned walk_ept_rights(const struct walk *walk); // of all entries together
const char *walk_rights_name(unsigned rights);     // "r-x"

// Each walks and prints. True when the tables map the address.
bool walk_explain_first(struct monitor *monitor, const struct view *view, uint64_t linear, struct walk *walk);
bool walk_explain_second(struct monitor *monitor, const struct view *view, uint64_t guest_physical, struct walk *walk);
bool walk_explain_own(struct monitor *monitor, const struct view *view, unsigned level, uint64_t address,
                      struct walk *walk);

#endif
