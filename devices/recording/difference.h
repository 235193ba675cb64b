// Where two recordings part: the first step at which the machines are not the same, and what differs there. Both are
// replayed by machines of their own. docs/internals/recording.md.
#ifndef DEVICES_RECORDING_DIFFERENCE_H
#define DEVICES_RECORDING_DIFFERENCE_H
#include "devices/recording/recording.h"

struct recording_pair {
    const struct recording *r[2];
    struct machine *m[2];
    struct timeline *t[2];
};
// Makes both machines, each with so many bytes for its past. `look` is called while they run, every few milliseconds;
// it may call machine_stop_soon. False: one line in `error`. To be closed in any case.
struct pair_wish {
    uint64_t history_bytes;
    const struct packer *packer;
    const struct machine_config *config; // with back ends for its drives; NULL: as each recording has it
    void (*look)(void *context);
    void *context;
};
bool pair_open(struct recording_pair *pair, const struct pair_wish *wish, char *error, size_t error_size);
void pair_close(struct recording_pair *pair);

// The number of inputs that are the same in both, from the first one on.
size_t pair_same_inputs(const struct recording_pair *pair);

enum pair_found { PAIR_SAME, PAIR_DIFFERS, PAIR_FAILED };
// Both machines come to the first step at which they differ, *step, or to the last that both recordings have.
// PAIR_FAILED: *wrong says why, "interrupted" for one.
enum pair_found pair_find(struct recording_pair *pair, uint64_t *step, const char **wrong);

// Of one recording: how what a replay comes to differs from a checkpoint that stands in it. The machines are one that
// replays from the last checkpoint up to a position, where it was as recorded, and one at the first checkpoint after it
// at which that one is another; the second pair is the recording's. *step: of that checkpoint. PAIR_SAME: there is
// none.
struct parting {
    struct recording before; // the recording without the checkpoints behind the position
    struct recording_pair pair;
};
enum pair_found parting_find(struct parting *parting, const struct recording *recording, const struct position *good,
                             const struct pair_wish *wish, uint64_t *step, char *error, size_t error_size);
void parting_close(struct parting *parting); // in any case

// One member of a state that differs between the machines, or 8 bytes of memory.
struct pair_value {
    const char *part, *field; // "" for memory
    unsigned nth;             // of the parts of that name
    uint64_t index;           // of the element; the address in the area
    unsigned elements;
    uint64_t value[2];
};
// Tells at most `most` of them of each part, and of each area the first one; returns how many there are. Parts that
// only one of the machines has are left out.
uint64_t pair_tell(struct recording_pair *pair, unsigned most,
                   void (*tell)(void *context, const struct pair_value *value), void *context);

#endif
