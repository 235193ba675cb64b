// A piece of a machine's state, for saving, comparing and printing.
#ifndef DEVICES_PART_H
#define DEVICES_PART_H
#include "cpu/state/state.h"

struct machine_part {
    const char *name;
    const struct state_table *table;
    void *object;
};

#endif
