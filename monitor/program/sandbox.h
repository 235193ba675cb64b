// The jail of a run: what it needs follows from its options.
#ifndef MONITOR_SANDBOX_H
#define MONITOR_SANDBOX_H
#include "monitor/session/options.h"

// Before anything of the guest is read: the process that executes programs, where there may be any.
void sandbox_prepare(const struct options *options);
bool sandbox_has_commands(const struct options *options); // they may come
// Before the guest's first step, when everything is open that is open from the start: closes the jail.
void sandbox_enter(const struct options *options);
void sandbox_leave(void); // the other process goes

#endif
