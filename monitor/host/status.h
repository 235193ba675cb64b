// Exit statuses of the process, and the one way to say what is wrong.
#ifndef MONITOR_STATUS_H
#define MONITOR_STATUS_H
#include "monitor/files/complaint.h"

enum status {
#define STATUS(number, name, text) STATUS_##name = number,
#include "monitor/host/status.def"
#undef STATUS
};

#endif
