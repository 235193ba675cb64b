// A run that was written down, run once more: -replay FILE. The machine is made of the file alone. What the hashes in
// the file say is compared on the way.
#ifndef MONITOR_REPLAY_H
#define MONITOR_REPLAY_H
#include "monitor/session/run.h"

// Reads the file that the options name, and fills in what it decides. False after one line on stderr.
bool replay_read(struct options *options);
void replay_free(struct options *options); // after the machine
// The machine, which has not run yet, expects what was recorded.
bool replay_begin(struct run *run);

// As timeline_run. MACHINE_LOST: it is not the run that was recorded, and run->lost says where they part.
enum machine_stop replay_run(struct run *run, uint64_t steps);
// As timeline_go_step and timeline_go, in any run. What the recording says of the way, which was not compared so far,
// is: where they part is told on stderr, once, and the run ends with a status that says so.
bool replay_to_step(struct run *run, uint64_t step, const char **wrong);
bool replay_to(struct run *run, const struct position *position, const char **wrong);
bool replay_goes_on(const struct run *run);       // nothing but what was recorded comes in
bool replay_at_end(const struct run *run);        // of what was recorded
const char *replay_reason(const struct run *run); // why it ends there
enum status replay_status(const struct run *run); // and what the run that was recorded ended with
// The marks that it has; NULL past the last one.
const char *replay_mark(const struct run *run, unsigned index, struct position *at);
// At the position of a mark: what came in there before it was made comes in. False: it does not come so far.
bool replay_to_mark(struct run *run, const char *name);
// From the beginning to where the options want it opened, without a word of the guest.
// False after one line on stderr.
bool replay_go(struct run *run);

#endif
