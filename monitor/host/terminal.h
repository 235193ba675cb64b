// The keyboard side of the terminal (or of whatever stdin is), and the signals that end a run. There is one of it in a
// process. On a terminal, raw mode lasts from terminal_open to the end of the process, whichever way that comes.
#ifndef MONITOR_TERMINAL_H
#define MONITOR_TERMINAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

// Installs the signal handlers; with `keyboard`, takes stdin. A signal makes `machine` return MACHINE_INTERRUPTED.
void terminal_open(struct machine *machine, bool keyboard);
void terminal_close(void); // before the machine is freed

// Whether input can still come.
bool terminal_has_input(void);
// Waits for input, a signal or `milliseconds` (-1: no limit), whichever comes first.
void terminal_wait(int milliseconds);
// Bytes for the guest that are there now, without waiting. Ctrl-A commands are taken out and carried out.
// With `size` 0, on a terminal, only the commands are: what else was typed is lost (a pipe keeps it instead).
size_t terminal_read(uint8_t *bytes, size_t size);
// Whether stdin is a terminal that the guest has.
bool terminal_is_raw(void);
// Whether a person is on that side: it is a terminal.
enum terminal_side { TERMINAL_INPUT, TERMINAL_OUTPUT, TERMINAL_ERRORS };
bool terminal_is_person(enum terminal_side side);
// One line of stdin, without its end, and cut off when it is too long. False when there are no more.
bool terminal_read_line(char *line, size_t size);
// Whether the person asked for the monitor since the last call: Ctrl-A c, or Ctrl-C where that asks.
bool terminal_asked(void);
bool terminal_is_asked(void); // without forgetting it
// Whether Ctrl-C (and SIGINT) asks for the monitor, instead of going to the guest (or ending the run).
void terminal_interrupt_asks(bool asks);
// The monitor has the terminal, in its usual mode; or the guest again.
void terminal_prompt(bool on);
// Ctrl-A x.
bool terminal_left(void);
// SIGINT, SIGTERM, ... that has come in; 0: none. To be re-raised after everything is put in order.
int terminal_signal(void);
// Ends the process by that signal, as it would have ended without handlers.
_Noreturn void terminal_raise(int signal);

#endif
