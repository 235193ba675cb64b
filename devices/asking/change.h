// When a value changed: asked of the past of a machine. The checkpoints are compared, without going to them; then the
// interval in which the value changed is gone through once more, with a watch. Nothing is prepared for it while the
// machine runs, and no index is kept. docs/internals/asking.md.
#ifndef DEVICES_ASKING_CHANGE_H
#define DEVICES_ASKING_CHANGE_H
#include "devices/asking/place.h"
#include "devices/history/timeline.h"

struct change {
    uint64_t step;      // the value was `old` at the first position of this step, and `now` at that of the next one
    unsigned processor; // whose step it was
    unsigned level;     // that ran, and where, when it began
    uint64_t rip;
    uint64_t old, now;
    uint64_t seen;       // BIT(enum observe): events, VM exits and VM entries of the step
    uint8_t vector;      // of the last event seen
    int stored_by;       // of memory: enum stored_by; -1: not known
    bool appears;        // it was not known before: the level was not there
    bool from_outside;   // an input came at this step: a person's, or a device's
    uint64_t unsearched; // steps after it that were not looked into, in intervals with the same value at both ends
};

enum search {
    SEARCH_FOUND,
    SEARCH_NOTHING, // as far back as the past is kept
    SEARCH_WRONG,   // interrupted, or what was kept does not lead there
};
enum search_depth {
    SEARCH_QUICKLY, // a change that was undone before the next checkpoint may be missed; `unsearched` says so
    SEARCH_ALL,     // no change is missed
    SEARCH_STORES,  // nor a store of an equal value: to memory, by VMWRITE, WRMSR, MOV to a control register
};
// The last change before the present. Afterwards the machine stands somewhere in its past: the caller goes back to
// where it was (timeline_keep before, timeline_go after).
enum search timeline_changed(struct timeline *timeline, const struct place *place, enum search_depth depth,
                             struct change *out, const char **wrong);

#endif
