// Moments with names (mark, goto NAME), and the way back from commands that moved (undo).
#ifndef MONITOR_MARKS_H
#define MONITOR_MARKS_H
#include "devices/machine/machine_input.h"
#include "monitor/session/monitor.h"

bool mark_find(const struct monitor *monitor, const char *name, struct position *at); // false: no mark has the name
bool mark_at(const struct monitor *monitor, unsigned index, struct position *at);     // false past the last one
const char *mark_name(const struct monitor *monitor,
                      unsigned index); // those of a recording too; NULL past the last one
// A command is done that ran the guest, from this position on.
void marks_note_move(struct monitor *monitor, const struct position *before);
void marks_free(struct monitor *monitor);

#endif
