// The machine of a run becomes another one: out of a file, or from another process.
#ifndef MONITOR_MOVED_H
#define MONITOR_MOVED_H
#include "monitor/moving/snapshot_file.h"
#include "monitor/session/monitor.h"

// -loadvm and -incoming: the options say then what the snapshot says; what is there beside it, and was `said`, must say
// the same. Waits at a socket for who has such a machine, and tells of each who has none. False after a line on stderr.
struct machine_config;
bool moved_open(struct snapshot_file *file, struct options *options, const struct machine_config *said);
// Into a new machine. False after one line on stderr.
bool moved_load(struct snapshot_file *file, const struct options *options, struct machine *machine);
// After that has failed: as moved_open, when the next one may come in.
bool moved_again(struct snapshot_file *file, struct options *options, const struct machine_config *said);

// Into the machine of a run that goes on; when it cannot be, the run has its machine as before. False after an error.
// The file is to be closed in any case.
bool moved_into(struct monitor *monitor, struct snapshot_file *file, const char *name);

#endif
