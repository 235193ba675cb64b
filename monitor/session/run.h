// Drives a machine from its first step to its end: input, output, idle time, resets, and the stops that options ask
// for.
#ifndef MONITOR_RUN_H
#define MONITOR_RUN_H
#include "devices/history/side_by_side.h"
#include "monitor/host/console.h"
#include "monitor/session/options.h"
#include "monitor/host/progress.h"
#include "monitor/host/status.h"

enum { RUN_INPUT_BYTES = 256 };

// The display, where a person sees it; functions that are NULL: nowhere.
struct run_screen {
    void *context;
    void (*look)(void *context, bool live); // shows it, and offers what was typed; live: input is taken
    bool (*due)(void *context);             // whether it is time to
    void (*rest)(void *context);            // the guest stops for a while
};

struct record;
struct snapshot;
struct run {
    const struct options *options;
    struct machine *machine;
    struct console *console;
    struct snapshot *moved;         // by loadvm, with what the machine begins with after a reset; NULL: there was none
    struct timeline *timeline;      // the past, which is kept; NULL: it is not
    struct side_by_side side;       // threads that search it (workers.h)
    struct record *record;          // it is written down; NULL: it is not
    bool record_failed;             // not all of it could be
    size_t compared;                // of a recording that is replayed: how many of its hashes
    char lost[600];                 // where the replay and the recording part; empty: they do not
    bool parted;                    // that they do was told
    uint64_t printed;               // what the guest sent up to this step has gone out
    bool quiet;                     // nothing that the guest sends goes out
    bool came_to_end;               // of the past, by the last piece that was run: what follows is live
    bool stops_at_end;              // a run ends there
    uint8_t input[RUN_INPUT_BYTES]; // read from the terminal, not yet taken by the guest
    size_t input_used;
    uint64_t hashed_step;        // where the last hash was printed; UINT64_MAX: nowhere
    struct progress progress;    // on stderr
    double looked_seconds;       // when it was last looked whether someone asks
    double waited_seconds;       // for input, while the guest had nothing to do
    bool (*asks)(void *context); // whether someone else than the terminal asks for the guest to stop; may be NULL
    void *asks_context;
    void (*polled)(void *context); // now and then while the machine runs, between steps; may be NULL
    void *polled_context;
    uint8_t mouse_buttons; // enum pointer_button, as mouse_button left them
    struct run_screen screen;
    bool running;        // run_until is at it
    bool monitored;      // the monitor tells how the run ended
    bool over;           // there is nothing more to run
    enum status status;  // and why, once it is over
    char over_text[600]; // in words
    struct {
        bool known;
        struct position at;
        enum status status;
        char text[600];
    } guests_end;    // where the guest itself ended the run, or the recording: from there nothing goes on
    unsigned resets; // so far, and why the last one:
    char reset_text[120];
    unsigned triple_faults; // of these, and how the first came about:
    char first_triple_fault[400];
};

enum run_event {
    RUN_TARGET, // the step asked for is reached
    RUN_ASKED,  // the person in front wants the prompt
    RUN_CAUGHT, // an observer or a point stopped the machine (devices/machine/machine_observe.h)
    RUN_ENDS,   // what was recorded ends here
    RUN_OVER,   // the guest is gone, or the user left
};
// Runs a loaded machine until it has done so many steps in all, or something else ends the run.
enum run_event run_until(struct run *run, uint64_t step);
bool run_ended_by_guest(const char *reason); // of the texts that over_text may have
// Around what goes through the past without run_until: while it is on, the machine stops when somebody asks, and a
// terminal sees how far it is. What was asked for before it began does not count, unless nobody has seen it yet.
void run_looks(struct run *run, bool on);
// Whether somebody asks for an end of that, for whoever waits for threads meanwhile.
bool run_is_interrupted(const struct run *run);
// Prints the hashes asked for; the status of the process.
enum status run_end(struct run *run);

#endif
