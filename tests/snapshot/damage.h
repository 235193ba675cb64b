// Snapshots that somebody damaged or made up.
#ifndef TESTS_SNAPSHOT_DAMAGE_H
#define TESTS_SNAPSHOT_DAMAGE_H
#include "tests/snapshot/store.h"

// A small machine that was run for a while, saved.
void damage_saved(struct store *store);
// The frames of `from`, each handed to `change` before it is written to `to` with right checksums: it may change the
// bytes and their number (within FRAME_MOST), or have the frame left out (false).
struct frame {
    uint32_t kind;
    uint8_t *bytes;
    size_t size;
};
void damage_frames(struct store *from, struct store *to, bool (*change)(void *context, struct frame *frame),
                   void *context);
// Whether it becomes a machine; one that does runs a while. `why`: what is said when not.
bool damage_loads(struct store *store, const char **why);
// So many snapshots with damage of all kinds, by random numbers from `seed` on: none of them does harm. One claim.
void damage_try(uint64_t seed, unsigned count);

#endif
