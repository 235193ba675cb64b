// A run that is written down: -record FILE. devices/history/recording.h has what is in the file,
// docs/internals/recording.md its format; monitor/files/behind.h writes it.
#ifndef MONITOR_RECORD_H
#define MONITOR_RECORD_H
#include "monitor/session/run.h"

struct position;
// Opens the file that the options name, after all that is read was read. False after one line on stderr. What it has
// stays until record_begin.
bool record_open(struct run *run);
// The machine has not run yet: from here on. Before the jail, for its thread.
bool record_begin(struct run *run);
// Between pieces of the run: where it has come to, and whether the file could be written so far.
void record_look(struct run *run);
// The next step at which the run must stop for the sake of the recording.
uint64_t record_next_stop(const struct run *run);
void record_mark(struct run *run, const char *name, const struct position *at);
void record_branch(struct run *run); // the present has become the end
void record_listen(struct run *run); // inputs are told to it, also after somebody else has listened
void record_line(struct run *run);   // what is expected from here on is the run's past again
// The recording is complete; `reason` says why the run is over. NULL: it never began.
void record_close(struct run *run, const char *reason);
// Before another machine may take the place of the run's: a replay that comes here can tell that it did. When the other
// one has taken it, record_leave ends the recording here and says so.
void record_hash(struct run *run);
void record_leave(struct run *run, const char *reason);

#endif
