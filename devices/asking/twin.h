// A machine of its own at a checkpoint of a timeline, with a timeline that expects what came after it: for whoever
// looks through the past beside others. Private to devices/asking.
#ifndef DEVICES_ASKING_TWIN_H
#define DEVICES_ASKING_TWIN_H
#include "devices/history/timeline_private.h"

struct twin {
    struct machine *machine; // NULL: there is none
    struct timeline *timeline;
    uint64_t first;   // step of its checkpoint
    size_t forgotten; // inputs of the other timeline that came before it
};

// At the last checkpoint that lies before a step, or at the first one; keeps at most so many bytes of its past. The
// timeline that it comes from stands still meanwhile, and may have several made at once. False: there can be none.
bool twin_make(const struct timeline *t, uint64_t step, uint64_t bytes, struct twin *out);
void twin_free(struct twin *twin);
// The step of that checkpoint.
uint64_t twin_begins(const struct timeline *t, uint64_t step);

#endif
