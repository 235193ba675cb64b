// Waiting for a descriptor, in pieces, so that no signal that comes in between is missed.
#ifndef MONITOR_WAIT_H
#define MONITOR_WAIT_H
#include <stdbool.h>

// Until there is something to read, or so many milliseconds (-1: no limit). False: the time is over, or a signal has
// come that ends the run. wait_input: or one that asks for the monitor.
bool wait_readable(int fd, int milliseconds);
bool wait_input(int fd, int milliseconds);
// Until something can be written. False: the time is over; or a signal ends the run, and whoever should read had his
// time since (signals_patience).
bool wait_writable(int fd, int milliseconds);
void wait_pass(int milliseconds); // only lets time pass, at most so long, as wait_input does
// Called every few milliseconds while input is waited for, at a moment at which the machine rests. NULL: nothing is.
void wait_set_beside(void (*beside)(void *context), void *context);
long long wait_clock_ms(void); // of a clock that nobody sets

#endif
