// The monitor on a socket: -monitor unix:PATH. One client at a time. The guest is stopped while a client is at the
// prompt; a client that arrives, or sends something while the guest runs, stops it; one that leaves lets it run on.
#ifndef MONITOR_DOOR_H
#define MONITOR_DOOR_H
#include "monitor/session/monitor.h"

// Makes the socket; lets clients come to it. False after one line on stderr.
bool door_open(struct monitor *monitor, const char *path);
bool door_listen(struct monitor *monitor);
void door_close(struct monitor *monitor);
// Whether a client wants the prompt.
bool door_asks(struct monitor *monitor);
// Serves the client; with `wait`, waits for one first. False: there is none.
bool door_serve(struct monitor *monitor, bool wait);

#endif
