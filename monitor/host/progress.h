// The line of progress that a long run shows on a terminal: step, level, speed, whether firmware runs, what drives
// moved since the line before. It stands in the last line of the screen while the guest is silent, and is gone before
// anything else is written there.
#ifndef MONITOR_PROGRESS_H
#define MONITOR_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>

struct machine;

struct progress {
    bool wanted;  // stderr is a terminal
    bool shown;   // the line stands there now
    double since; // seconds on the host's clock: of the last look that counted; 0: none since something was written
    uint64_t step, moved; // at that look; bytes of drives
};

void progress_begin(struct progress *progress); // at the start
void progress_end(void);                        // before it goes
// Between pieces of a run. `in_line`: the cursor stands behind something that the guest wrote.
void progress_look(struct progress *progress, struct machine *machine, bool in_line);
// The same of a search by several machines: so many steps of at most so many are looked through.
void progress_search(struct progress *progress, uint64_t steps, uint64_t most);
void progress_clear(struct progress *progress); // before something is written; NULL is fine

#endif
