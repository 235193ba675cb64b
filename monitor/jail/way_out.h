// A way from this process to another one: a socket that it listens at, or a shell's command that reads its standard
// input. Within the jail the launcher makes it, of the places that were named on the command line.
#ifndef MONITOR_WAY_OUT_H
#define MONITOR_WAY_OUT_H
#include "monitor/files/sent.h"

struct way_out {
    struct sent sent;
    bool is_command; // nothing comes back but an exit status
    bool by_launcher;
    int pid; // of a command that this process has started
};
// False: `why` says what is wrong.
bool way_out_open(struct way_out *way, const char *where, char *why, size_t why_size);
// Nothing more is sent. The command's exit status, for which is waited until a signal, if all could be sent; 0 of a
// socket.
int way_out_close(struct way_out *way);

#endif
