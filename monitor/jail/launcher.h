// A small process that executes programs and makes connections for this one, which cannot do so itself once the jail
// is closed. It is started before, has nothing of the guest, and knows which programs and places there are: the pager,
// and what -migrate-to names on the command line. A request names one of them, and nothing that this process or its
// guest says later can make it another one. Requests come by a pair of sockets that nobody else has; it ends when this
// process does.
#ifndef MONITOR_LAUNCHER_H
#define MONITOR_LAUNCHER_H
#include <stdbool.h>

enum launcher_program {
    LAUNCHER_PAGER, // $PAGER, or less
    LAUNCHER_PLACE, // and from here on the commands of places, exec:COMMAND
};
enum { LAUNCHER_PLACES = 16 };

// Before it is opened: "exec:COMMAND", "unix:PATH", "tcp:HOST:PORT"; the text must stay. False: there are too many.
bool launcher_allow(const char *place);
int launcher_place(const char *place); // its number; -1: it was not allowed

bool launcher_open(void); // false: no program can be executed
bool launcher_is_open(void);
void launcher_close(void);

enum { LAUNCHER_NO_SUCH_COMMAND = 127 };
// One program at a time (enum launcher_program, or LAUNCHER_PLACE and a place), with this descriptor as its standard
// input.
bool launcher_start(int program, int input);
// Whether it has ended; its status is 0 when it ended by a signal.
bool launcher_ended(int *status);
void launcher_signal(int number); // is sent to it

// A connection to a place that is no command. False: it could not be asked for.
bool launcher_connect(int place);
// Whether there is an answer: *descriptor, or -1 and what is wrong.
enum { LAUNCHER_WHY = 200 };
bool launcher_connected(int *descriptor, char why[LAUNCHER_WHY]);

#endif
