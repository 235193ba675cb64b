// A server for gdb's remote serial protocol: each processor is a thread, each virtualization level an inferior.
//
// The level n that runs on processor c is thread c + 1 of process n + 1. A level has its registers whether it runs now
// or waits in its VMCS, and its memory through its own paging and EPT. Breakpoints belong to the level they were set
// in.
#ifndef MONITOR_GDB_H
#define MONITOR_GDB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct gdb;

enum gdb_ran {
    GDB_RAN,         // the steps asked for, or fewer: go on
    GDB_STOPPED,     // an observer or a point stopped the machine
    GDB_OVER,        // there is nothing more to run
    GDB_CAME_TO_END, // of the past: what follows is live
};

enum gdb_back { GDB_BACK_STOPPED, GDB_BACK_BEGINNING, GDB_BACK_INTERRUPTED };

// Of the server's own stops: why the machine stopped is forgotten, kept, and recalled.
struct gdb_reason {
    void *whom;
    void (*forget)(void *whom), (*keep)(void *whom), (*recall)(void *whom);
};

// What the server needs of the program around it.
struct gdb_host {
    void *context;
    struct machine *machine;
    enum gdb_ran (*run)(void *context, uint64_t steps); // at most; returns within milliseconds of real time
    // Goes back to the last stop of any kind. NULL: the past is not kept.
    enum gdb_back (*back)(void *context, const struct gdb_reason *reason);
    // Or to the last instruction that began in a level on a processor.
    enum gdb_back (*back_step)(void *context, unsigned level, unsigned cpu);
    bool (*leave)(void *context); // the user wants to leave
    void (*kill)(void *context);  // gdb says kill: leave
    // Carries out a line as the monitor would. NULL: there are no commands.
    void (*command)(void *context, const char *line, void (*write)(void *to, const char *text, size_t bytes), void *to);
    // After GDB_STOPPED: says what the monitor's own breakpoints and catches have caught. May be NULL.
    void (*caught)(void *context, void (*write)(void *to, const char *text, size_t bytes), void *to);
    void (*altered)(void *context); // registers or memory were changed by hand
    // Why nothing can be changed by hand now; NULL: it can be. May be NULL.
    const char *(*fixed)(void *context);
};

// Takes "tcp:HOST:PORT", "tcp::PORT" (loopback, as always when no host is given) or "unix:PATH" as its place. NULL,
// with one line in `error`, when that is not possible.
struct gdb *gdb_open(const char *where, const struct gdb_host *host, char *error, size_t error_size);
bool gdb_listen(struct gdb *gdb, char *error, size_t error_size); // from now on gdb may come
unsigned gdb_port(const struct gdb *gdb);                         // the TCP port that it got; 0: it has none
// The same on a connection that is there already; it is closed at the end.
struct gdb *gdb_open_connected(int fd, const struct gdb_host *host);
void gdb_close(struct gdb *gdb);

// Whether a client wants to be served.
bool gdb_asks(struct gdb *gdb);
// Serves the client, letting the guest run as it says, until it lets go (detach, or the connection ends), the run is
// over or the user leaves. With `wait`, waits for one to come first.
void gdb_serve(struct gdb *gdb, bool wait);

#endif
