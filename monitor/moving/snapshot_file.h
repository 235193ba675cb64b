// A snapshot (devices/snapshot/snapshot.h) in a file, or on its way from another process, packed by zstd.
#ifndef MONITOR_SNAPSHOT_FILE_H
#define MONITOR_SNAPSHOT_FILE_H
#include "devices/snapshot/snapshot.h"
#include "monitor/moving/incoming.h"

struct readable;
struct snapshot_file {
    struct readable *from; // NULL: it was read
    bool comes;            // from another process:
    struct incoming incoming;
    struct snapshot *snapshot;
    struct snapshot_head head;
    const struct setup *setup;
};

// Whole or not at all: what has that name stays until all of it is written.
bool snapshot_file_save(struct machine *machine, const char *path, char *why, size_t why_size);
// As far as what the machine is made of. False, with what is wrong: it is to be closed nevertheless.
bool snapshot_file_open(struct snapshot_file *file, const char *path, char *why, size_t why_size);
// The same, of what another process sends, for which is waited. When it was nothing, or could not be loaded, the next
// one may come in: again, on the same file, while incoming_goes_on.
bool snapshot_file_incoming(struct snapshot_file *file, const char *where, char *why, size_t why_size);
// The rest, into a machine of that configuration. False: the machine must not be used as it is.
bool snapshot_file_load(struct snapshot_file *file, struct machine *machine, char *why, size_t why_size);
// No sooner than the machines that it was loaded into are freed, or begin with something else.
void snapshot_file_close(struct snapshot_file *file);

#endif
