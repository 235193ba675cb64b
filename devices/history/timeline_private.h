// The timeline's own: what is kept, and what its files do for each other. Private to devices/history.
//
// Interval i lies between checkpoints i and i + 1; its list has the pages that the span changed. For intervals before
// `base`, the checkpoint from which the machine came to its present state, the list has the pages as they were at the
// interval's beginning, for those from `base` on as they will be at its end: moving over an interval swaps its list
// with the memory. `present` has the pages that changed since `base`, as they were there.
#ifndef DEVICES_HISTORY_TIMELINE_PRIVATE_H
#define DEVICES_HISTORY_TIMELINE_PRIVATE_H
#include "devices/history/input_list.h"
#include "devices/history/page_list.h"
#include "devices/history/side_by_side.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_private.h"

enum {
    DENSE_STEPS = 10000000, // between checkpoints that are added on the way to a moment of the past
    NEAR_STEPS = 1000000,   // and before that moment
    STANDSTILLS = 8,        // runs without progress before a replay counts as lost
};

struct checkpoint {
    struct position at;
    uint8_t *image;      // checkpoint_image
    size_t image_bytes;  // unpacked: of different timing models they differ
    size_t image_packed; // how many bytes it takes; 0: it is not packed
    size_t inputs;       // that were taken before
    struct page_list pages;
};

struct kept_line {
    struct timeline_line line;
    struct input_list inputs; // after the first `taken`
};
enum { TIMELINE_LINES = 16 };

struct timeline {
    struct machine *m;
    struct pages *pages;
    struct page_watcher watcher;
    struct checkpoint *checkpoint;
    unsigned count, capacity, base;
    struct page_list present;
    struct input_list inputs;
    size_t next;           // of the inputs: what the replay is given next
    size_t forgotten;      // inputs that were taken before the first of the list
    struct position last;  // expected: where what is known ends
    struct input_log also; // who else is told what was taken
    struct offer *offers;  // at the end, not taken yet: they wait until one comes back
    struct kept_line line[TIMELINE_LINES];
    unsigned lines;
    uint64_t budget;
    size_t image_bytes;              // of an image without what a timing model knows
    const struct packer *packer;     // NULL: nothing is packed
    const struct side_by_side *side; // NULL: no threads
    bool packs;                      // it has begun
    bool in_past;
    bool expecting; // what comes after the last checkpoint is known by its inputs, up to `last`
    bool swapping, failed;
};

// timeline.c: whether inputs come from what is known. Inputs that were taken so far.
bool timeline_replaying(const struct timeline *t);
size_t timeline_inputs_taken(const struct timeline *t);
// Before the last checkpoint; at it or behind it, with so many inputs taken.
void timeline_go_into_past(struct timeline *t, size_t inputs);
void timeline_go_live(struct timeline *t, size_t inputs);

// timeline_keep.c: checkpoints and the room for them.
uint64_t timeline_bytes_used(const struct timeline *t);
void checkpoint_free(struct checkpoint *c);
const uint8_t *checkpoint_image(struct timeline *t, unsigned index); // unpacked; NULL: memory is short
bool timeline_fits(const struct timeline *t);                        // whether the images can be loaded still
bool timeline_checkpoint_here(struct timeline *t);
bool timeline_has_room_on_the_way(struct timeline *t); // for a checkpoint
void timeline_forget(struct timeline *t);
void timeline_look_after_failure(struct timeline *t);
bool timeline_due(const struct timeline *t);

// timeline_run.c: as machine_run, once. `goal` may be NULL. The second counts in *still the runs after which the
// machine stands where it stood.
enum machine_stop timeline_advance(struct timeline *t, uint64_t steps, const struct position *goal);
enum machine_stop timeline_advance_on(struct timeline *t, uint64_t steps, const struct position *goal, unsigned *still);

// One step, or less of it; where no checkpoint and no input is at hand as quickly as can be.
enum machine_stop timeline_step(struct timeline *t);

// timeline_line.c: what follows the present becomes a line; all lines are forgotten.
void timeline_leave_line(struct timeline *t);
void timeline_forget_lines(struct timeline *t);

// timeline_go.c: of what is known, once the end was left.
const struct position *timeline_end(const struct timeline *t);
// Nobody looks on while a way is gone that was gone before; whom to call back afterwards.
struct onlookers {
    struct observer *observers;
    struct point *points;
};
struct onlookers timeline_send_away(struct machine *m);
void timeline_set_onlookers(struct machine *m, struct onlookers who);
// On a way through the past to the step `goal` a checkpoint is left where it is worth it.
void timeline_leave_checkpoint(struct timeline *t, uint64_t goal);
// Whether a replay cannot go on: interrupted, or lost. *wrong says which.
bool timeline_ends_the_way(enum machine_stop why, const char **wrong);

#endif
