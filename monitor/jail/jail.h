// The jail: once a run has begun, a filter in the kernel (seccomp) leaves the process only the system calls that this
// run needs (jail.def), so that a guest that broke out of the model would find no program to execute, no process to
// look into, no network and no memory that it could make executable. Which paths are opened is not looked at: where
// commands of the monitor may come, files may be opened by any name that the user could open.
#ifndef MONITOR_JAIL_H
#define MONITOR_JAIL_H
#include <stdbool.h>
#include <stddef.h>

enum jail_use {
    JAIL_BASE = 1 << 0,     // every run has it
    JAIL_TERMINAL = 1 << 1, // one of the streams is a terminal
    JAIL_WRITES = 1 << 2,   // files are written
    JAIL_COMMANDS = 1 << 3, // commands of the monitor may come: from the keys, a script, a socket, gdb
    JAIL_EDITOR = 1 << 4,   // from a person
    JAIL_DOOR = 1 << 5,     // a socket lets clients in
    JAIL_LAUNCHER = 1 << 6, // programs are executed, by another process
    JAIL_BEHIND = 1 << 7,   // a thread writes and synchronises a file
    JAIL_WINDOW = 1 << 9,   // a window is shown, by SDL and the X or Wayland server that it has connected to
    JAIL_WINDOW_ALONE = 1 << 10, // and no commands may come
    JAIL_DISKS = 1 << 8,    // images of disks are read, and what is written is kept in a temporary file
    JAIL_THREADS = 1 << 11, // threads come and go: they search the past
    JAIL_NAMES = 1 << 12,   // names are read out of bytes that were read before; nothing else is opened
};

// From now on no other system call is left, to this process, to its threads and to those that it starts. One that is
// tried ends it, with its name on stderr, the terminal as it was, and this exit status. False, with the reason in
// `why`: there is no filter.
bool jail_close(unsigned uses, int refused_status, char *why, size_t why_size);

bool jail_is_closed(void);

#endif
