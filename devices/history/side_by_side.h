// Threads, as a value: the library has none of its own. Whoever has some hands them to a timeline
// (timeline_set_side_by_side), and long searches of the past share them. What is found does not depend on how many
// there are.
#ifndef DEVICES_SIDE_BY_SIDE_H
#define DEVICES_SIDE_BY_SIDE_H
#include <stdbool.h>
#include <stdint.h>

struct side_by_side_work {
    void *of;
    // Called once for each worker, from 0 on, each time on a thread of its own; returns when nothing is left to do.
    void (*work)(void *of, unsigned worker);
    void (*end)(void *of);                                       // it is to end soon: thread-safe
    void (*progress)(void *of, uint64_t *steps, uint64_t *most); // so many steps are looked through: thread-safe
};
struct side_by_side {
    void *context;
    unsigned workers; // at a time; with 1 nothing is done side by side
    // Searches through fewer steps than so many at the speed of a free run, or a twentieth of them where each is looked
    // at, are for one machine alone: others take longer to be made.
    uint64_t worth_steps;
    // Returns when all have. Who is asked to end meanwhile calls `end`. False: there can be no threads, and nothing was
    // done.
    bool (*run)(void *context, unsigned workers, const struct side_by_side_work *work);
};

#endif
