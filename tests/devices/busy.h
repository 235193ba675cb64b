// A machine with timer, serial port and messages between processors, which never comes to rest; and what can come to it
// from outside, at random.
#ifndef TESTS_DEVICES_BUSY_H
#define TESTS_DEVICES_BUSY_H
#include "devices/machine/machine_input.h"
#include "devices/machine/machine_observe.h"

enum { BUSY_DATA = 0x600, BUSY_RAM = 1 << 20 }; // where it keeps its counters; bytes of RAM

enum { BUSY_TIMER_RATE = 5 }; // not the usual one
struct machine *busy_machine(unsigned cpus);
// For an observer with a random number as its context: stops one time in four.
void busy_stop(void *context, struct cpu *cpu, const struct sight *sight);
// Something from outside, of any kind; what is refused leaves no trace.
void busy_input(struct machine *m, uint64_t *random);

#endif
