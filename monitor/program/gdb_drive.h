// gdb and the run under the monitor: -gdb, -s.
#ifndef MONITOR_GDB_DRIVE_H
#define MONITOR_GDB_DRIVE_H
#include "monitor/session/monitor.h"
#include "monitor/gdb/gdb.h"

// Takes the place that -gdb names; lets gdb come to it. False, after one line on stderr, when that is not possible.
bool gdb_drive_open(struct monitor *monitor);
bool gdb_drive_listen(struct monitor *monitor);
void gdb_drive_close(struct monitor *monitor);
// Lets gdb have the guest if it wants it, or with `wait` when it comes. Whether it had it.
bool gdb_drive_serve(struct monitor *monitor, bool wait);

#endif
