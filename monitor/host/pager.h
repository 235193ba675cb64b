// Long text in front of a person: $PAGER, or less.
#ifndef MONITOR_PAGER_H
#define MONITOR_PAGER_H
#include <stdbool.h>
#include <stddef.h>

// Returns when the person has read, or a signal ends the run. False: there is no pager after all.
bool pager_show(const char *text, size_t bytes);

#endif
