// Names that are found by themselves: those of an ELF kernel, those of Linux that could not be read when they were
// asked for, and those of modules that came since.
#ifndef MONITOR_NAMES_H
#define MONITOR_NAMES_H
#include "monitor/session/monitor.h"

// Linux's names of one level, or of all levels there are. False after an error. What could not be read is said.
bool names_of_linux(struct monitor *monitor, unsigned level);
bool names_of_every_linux(struct monitor *monitor);
// The names of the -kernel, where it is an ELF file that has some. Once; what is wrong with it is not said.
void names_begin(struct monitor *monitor);
// Where the guest has come to a stop: looks again for what was not there before.
void names_again(struct monitor *monitor);
void names_forget(struct monitor *monitor); // symbols clear

#endif
