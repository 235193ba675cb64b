// A machine in which turtles.elf is loaded: levels of hypervisors on each other.
#ifndef TESTS_MONITOR_TURTLES_H
#define TESTS_MONITOR_TURTLES_H
#include "devices/machine/machine.h"

enum { TURTLES_RAM = 64 << 20 };
struct machine *turtles(unsigned cpus, const char *append);

#endif
