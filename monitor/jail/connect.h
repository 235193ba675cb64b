// Connections to others, by the places that -migrate-to, migrate and -incoming name: unix:PATH, tcp:HOST:PORT.
#ifndef MONITOR_CONNECT_H
#define MONITOR_CONNECT_H
#include <stdbool.h>
#include <stddef.h>

// A descriptor that never waits; -1: `why` says what is wrong. Waits some seconds at most.
int connect_to(const char *where, char *why, size_t why_size);
// The output of a shell's command; -1: `why`. It ends when nobody reads it any more. *pid: to be waited for.
int connect_from_command(const char *command, int *pid, char *why, size_t why_size);
// A shell's command whose input is what is written to the descriptor. *pid: to be waited for.
int connect_to_command(const char *command, int *pid, char *why, size_t why_size);
// Whether it has ended; its exit status, 128 and a signal's number when that ended it.
bool connect_command_ended(int pid, int *status);
void connect_command_end(int pid);

#endif
