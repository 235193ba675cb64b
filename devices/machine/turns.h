// Several processors taking turns: see turns.c.
#ifndef DEVICES_TURNS_H
#define DEVICES_TURNS_H
#include "cpu/state/state.h"
#include <stdint.h>

struct turns {
    // architectural, with several processors
    uint64_t end;       // cycle at which the round ends; between rounds: the present cycle
    uint64_t latest;    // the latest cycle that a processor read or did something to a chip at
    uint32_t processor; // whose turn it is; 0 and at `end`: between rounds
    uint8_t quiet;      // nothing was executed since the round began, and nothing has happened since
};
extern const struct state_table turns_state;

#endif
