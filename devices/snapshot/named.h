// The state of one object by the names of its state table: each field with its name, the width of its elements and
// their number. What reads it takes fields in any order, and names what is missing, unknown, of another size, or more
// than it can be: nothing is guessed.
#ifndef DEVICES_SNAPSHOT_NAMED_H
#define DEVICES_SNAPSHOT_NAMED_H
#include "cpu/state/state.h"
#include "devices/snapshot/frame.h"

void named_put(struct frame_writer *w, const struct state_table *table, const void *object);
// False: the reader's `wrong` says it, of a part called `part`, and nothing was loaded.
bool named_take(struct frame_reader *r, const char *part, const struct state_table *table, void *object);

#endif
