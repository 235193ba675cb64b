// Who remembers the past of a machine: what each knows is plain data with a state table, apart from the machine's own
// state. It is in no hash and decides nothing a guest can see, but it follows from the run alone. Whoever keeps the
// machine's state at some moment, to go on from there later, keeps this with it; then levels, events, exits and counts
// are afterwards what they were then.
//
// VT-x's own memory of levels, exits, events and counts follows every machine that has VT-x. More can be added: hit
// counts, traces, what was sent to each console.
#ifndef DEVICES_SNAPSHOT_FOLLOWER_H
#define DEVICES_SNAPSHOT_FOLLOWER_H
#include "devices/machine/machine.h"

struct state_table;
struct follower {
    const struct state_table *table;
    void *object;
    struct follower *next;
};

// The caller keeps it; it must stay where it is until removed. To be called between runs.
void machine_add_follower(struct machine *machine, struct follower *follower);
void machine_remove_follower(struct machine *machine, struct follower *follower);
// All of them, in a fixed order: those of VT-x, then what was added. False past the last one.
bool machine_follower(struct machine *machine, unsigned index, struct follower *out);
unsigned machine_own_followers(struct machine *machine); // how many are VT-x's: they belong to the machine

// What all of them know, as bytes: for a machine with the same configuration and the same followers.
size_t followers_size(struct machine *machine);
void followers_save(struct machine *machine, uint8_t *out);
// NULL; or the name of the follower that no run can have brought about: the machine must not be used then.
[[nodiscard]] const char *followers_load(struct machine *machine, const uint8_t *in);

#endif
