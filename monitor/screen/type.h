// What a person types, from the monitor.
#ifndef MONITOR_TYPE_H
#define MONITOR_TYPE_H
#include "devices/machine/machine_input.h"
#include "monitor/session/monitor.h"

// Offers input to the machine; false after an error that `command` is told of.
bool type_offer(struct monitor *monitor, const char *command, enum input_kind kind, const void *data, size_t bytes);

#endif
