// The one door into a machine: whatever comes from outside, and is not part of its configuration, enters here and is
// stamped with the position at which the machine takes it. So the same configuration and the same inputs at the same
// positions give the same machine, and a run that was recorded can be replayed. docs/internals/inputs.md.
//
// Not inputs: requests to stop, observers, points, dropping caches. They change nothing.
#ifndef DEVICES_MACHINE_INPUT_H
#define DEVICES_MACHINE_INPUT_H
#include "cpu/processor/register.h"
#include "devices/machine/machine.h"
#include "devices/machine/position.h"

enum input_kind {
#define INPUT(id, name, takes, apply, unit, where, data) INPUT_##id,
#include "devices/machine/input.def"
    INPUT_KINDS,
};

struct input {
    struct position at; // filled in by the machine that takes it
    uint8_t kind;       // enum input_kind; what the rest means: input.def
    uint8_t unit;
    uint32_t bytes; // of `data`
    uint64_t where;
    const void *data;
};

// What the kinds are, for those who write them down: as in the columns of input.def. False past the last one.
struct input_row {
    const char *name, *unit, *where, *data;
    bool live; // may be offered
};
bool input_row(unsigned kind, struct input_row *out);

// To a machine that runs, or will: queued, and taken when the receiver has room. The data are copied. False: this kind
// cannot be offered, there is no such unit, the queue is full, or a recorded run is being replayed.
bool machine_offer(struct machine *machine, const struct input *input);
// Bytes that could be offered to this unit now and be taken at once.
unsigned machine_room(const struct machine *machine, enum input_kind kind, unsigned unit);
// To a machine that has stopped: applied now. False: refused (no such unit, no RAM there, a value that is not allowed),
// and nothing has changed; or a recorded run is being replayed.
bool machine_alter(struct machine *machine, const struct input *input);

// Who keeps the inputs, or has kept them: one of the two functions.
struct input_log {
    void *context;
    // Recording: the machine took this one. The data are to be copied.
    void (*took)(void *context, const struct input *input);
    // Replaying: the next one in the order in which they were taken, until the next call; NULL: there are no more. No
    // offer or alteration is accepted while a machine replays.
    const struct input *(*next)(void *context);
};
void machine_set_log(struct machine *machine, const struct input_log *log); // NULL: none

// Where the machine is now.
void machine_position(const struct machine *machine, struct position *out);
// Runs until it is there, and takes none of the inputs of that position. MACHINE_STEPS: it is; or the position does not
// come (any more): machine_position tells. Other stops come before it, as they come from machine_run.
enum machine_stop machine_run_to(struct machine *machine, const struct position *position);

// One register of 8 bytes or fewer, as an alteration.
bool machine_set_register(struct machine *machine, unsigned processor, enum register_number number, uint64_t value);
// RAM, as an alteration.
bool machine_set_memory(struct machine *machine, uint64_t physical, const void *from, size_t length);

#endif
