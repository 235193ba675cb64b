// The keyboard side of the terminal (or of whatever stdin is). There is one of it in a process. On a terminal, raw mode
// lasts from terminal_open to the end of the process, whichever way that comes; while the process is stopped (SIGTSTP),
// the terminal is as it was before.
#ifndef MONITOR_TERMINAL_H
#define MONITOR_TERMINAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// With `keyboard`, takes stdin.
void terminal_open(bool keyboard);
void terminal_close(void);

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
// The monitor has the terminal, in its usual mode; or the guest again.
void terminal_prompt(bool on);
// Ctrl-A x.
bool terminal_left(void);
void terminal_leave(void); // the same, by other means

#endif
