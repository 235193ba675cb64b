// Exit statuses of the process, and the one way to say what is wrong.
#ifndef MONITOR_STATUS_H
#define MONITOR_STATUS_H
#include <stdbool.h>

enum status {
#define STATUS(number, name, text) STATUS_##name = number,
#include "monitor/host/status.def"
#undef STATUS
};

// What was asked for, on stdout, with the length of it as printf has it; and the same on stderr, beside what the guest
// prints.
int say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool say_all(void); // whether all that was said could be written

// One line on stderr, "vmxray: ..."; returns false, so that a function can end with it.
bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
