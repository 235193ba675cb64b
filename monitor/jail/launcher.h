// A small process that executes programs for this one, which cannot do so itself once the jail is closed. It is started
// before, has nothing of the guest, and knows which programs there are: a request names one of them, and nothing that
// this process or its guest says later can make it another one. Requests come by a pair of sockets that nobody else
// has; it ends when this process does. `migrate exec:` and the like become programs here, read from the command line.
#ifndef MONITOR_LAUNCHER_H
#define MONITOR_LAUNCHER_H
#include <stdbool.h>

enum launcher_program {
    LAUNCHER_PAGER, // $PAGER, or less
};

bool launcher_open(void); // false: no program can be executed
bool launcher_is_open(void);
void launcher_close(void);

enum { LAUNCHER_NO_SUCH_COMMAND = 127 };
// One program at a time, with this descriptor as its standard input.
bool launcher_start(enum launcher_program program, int input);
// Whether it has ended; its status is 0 when it ended by a signal.
bool launcher_ended(int *status);
void launcher_signal(int number); // is sent to it

#endif
