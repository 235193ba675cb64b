// Threads that are started for one piece of work and end with it, while this one waits and looks on.
#ifndef MONITOR_CROWD_H
#define MONITOR_CROWD_H
#include "devices/history/side_by_side.h"

enum { CROWD_MOST = 64 };

// Returns when all have done their work; `look` is called meanwhile, some hundred times a second. False: there can be no
// threads.
bool crowd_run(unsigned count, const struct side_by_side_work *work,
               void (*look)(void *context, const struct side_by_side_work *work), void *context);

#endif
