// Back to the last moment at which somebody who looks on asks for a stop.
#ifndef DEVICES_ASKING_SEEK_H
#define DEVICES_ASKING_SEEK_H
#include "devices/asking/change.h"

struct seek {
    void *context;
    void (*begin)(void *context);  // of a stretch that is gone through: may add observers and points; NULL: nothing
    void (*end)(void *context);    // takes them away
    bool (*counts)(void *context); // at a stop, whoever asked for it: whether it is looked for; then what is known of
                                   // it is to be kept
};
// Before the present, and not at it. The machine is then at *at; SEARCH_NOTHING: at the beginning of the past.
// Stretches are gone through once, from the present back, near ones first.
enum search timeline_back_to(struct timeline *timeline, const struct seek *seek, struct position *at,
                             const char **wrong);

#endif
