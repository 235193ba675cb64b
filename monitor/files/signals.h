// The signals that end a run, or stop the guest for the monitor, and how long the program may still wait for others
// after one: whatever a client, a reader of a pipe or a terminal does, a run ends within a second.
#ifndef MONITOR_SIGNALS_H
#define MONITOR_SIGNALS_H
#include <stdbool.h>

struct machine;

// What is done to the terminal from within a handler.
struct signals_terminal {
    void (*restore)(void); // the process ends or is stopped: as it was before
    void (*resume)(void);  // it goes on: as it was in between
};

// Installs the handlers, at the start of the process. A signal that is ignored, as under nohup, stays ignored.
void signals_open(void);
void signals_set_terminal(const struct signals_terminal *terminal);
// A signal makes this machine return MACHINE_INTERRUPTED; NULL: there is none.
void signals_set_machine(struct machine *machine);

// SIGTERM, SIGHUP, ... that has come in and ends the run; 0: none. To be re-raised after everything is put in order.
int signals_ending(void);
const char *signals_name(int number); // of one that ends a run
// Whether somebody asked for the monitor since the last call: SIGINT where that asks, or Ctrl-A c.
bool signals_asked(void);
bool signals_is_asked(void); // without forgetting it
void signals_ask(void);
bool signals_interrupt(void); // either: what takes long is to end now
// Whether SIGINT asks for the monitor, instead of ending the run.
void signals_interrupt_asks(bool asks);
bool signals_interrupt_is_asking(void);
// Whether the process was stopped and goes on since the last call.
bool signals_continued(void);

// Milliseconds for which others (readers of pipes, clients) may still be waited for; -1: without limit.
int signals_patience(void);
// Ends the process by that signal, as it would have ended without handlers.
_Noreturn void signals_die(int number);
// From within a handler: the terminal is put in order, the text written on stderr, and the process ends.
_Noreturn void signals_end_at_once(const char *text, int status);

#endif
