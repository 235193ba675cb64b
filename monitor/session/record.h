// A run that is written down: -record FILE. devices/recording/recording.h has what is in the file,
// docs/internals/recording.md its format; monitor/files/behind.h writes it.
#ifndef MONITOR_RECORD_H
#define MONITOR_RECORD_H
#include "monitor/session/run.h"

struct position;
struct record_wish;
enum { RECORD_HASHES = 1000000000 }; // steps between two sets of hashes, where nothing else is said
#define RECORD_WORDS "FILE, or FILE,hashes=STEPS,checkpoints=SIZE,disk=full"
bool record_take(struct record_wish *wish, const char *text); // false: it is something else
// Opens the file that the options name, after all that is read was read. False after one line on stderr. What it has
// stays until record_begin.
bool record_open(struct run *run);
// From here on. Of a machine that has run already what it is stands in the file, too.
bool record_begin(struct run *run);
// At a prompt, in three steps: a file, which is emptied; from the present on; what is known of the time after it
// already. Each is false after one line on stderr, and then nothing is recorded.
bool record_into(struct run *run, const struct record_wish *wish);
bool record_from_here(struct run *run);
void record_known(struct run *run);
const char *record_path(const struct run *run);  // NULL: it is not recorded
bool record_needs_images(const struct run *run); // a replay of it will: they must stay as they are
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
