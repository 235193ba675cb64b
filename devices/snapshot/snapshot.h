// A whole machine as one file, or as what goes from one process to another: what it is made of, everything about it,
// and its memory. It opens alone: no other file is needed. docs/internals/snapshot.md.
#ifndef DEVICES_SNAPSHOT_H
#define DEVICES_SNAPSHOT_H
#include "devices/snapshot/setup.h"

enum { SNAPSHOT_LAYOUT = 1 };
#define SNAPSHOT_BEGINS "\x89vmxray\nsnap" // a file of this kind

// Where it was saved, for those who only look: before everything else in the file.
struct snapshot_head {
    uint64_t steps, cycles, nanoseconds, ram_bytes, cpus;
};

// Between runs. NULL, or in a few words why it could not be.
const char *snapshot_save(struct machine *machine, const struct sink *to, const struct packer *packer);

// A snapshot that is being read: first what the machine is made of; then a machine of that configuration is given its
// state. Every function is false, or NULL, when something is wrong: snapshot_wrong says what, and where.
struct snapshot;
struct snapshot *snapshot_open(const struct source *from, const struct packer *packer); // NULL: memory is short
void snapshot_free(struct snapshot *snapshot);               // no sooner than a machine that begins with its boot image
const char *snapshot_wrong(const struct snapshot *snapshot); // "": nothing
bool snapshot_is_one(const struct snapshot *snapshot);       // after snapshot_head: it begins as one
bool snapshot_head(struct snapshot *snapshot, struct snapshot_head *out);
// Once, after the head. It stays the snapshot's.
const struct setup *snapshot_setup(struct snapshot *snapshot);
// Once, after the setup: `machine` becomes the one that was saved, also in what it begins with after a reset. When that
// fails it must not be used any more. `alone`: as in a file, nothing may follow.
bool snapshot_load(struct snapshot *snapshot, struct machine *machine, bool alone);

#endif
