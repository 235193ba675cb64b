// What the program says by itself: what is wrong, on stderr; what was asked for, on stdout. Nothing that is printed
// here reaches a terminal raw (escape.h), nor makes the program wait longer than signals allow (wait.h).
#ifndef MONITOR_COMPLAINT_H
#define MONITOR_COMPLAINT_H
#include <stdbool.h>

// One line on stderr, "vmxray: ..."; returns false, so that a function can end with it.
bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
// What was asked for, on stdout, with the length of it as printf has it; and the same on stderr, beside what the guest
// prints.
int say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool say_all(void); // whether all that was said could be written
// Called before anything is written on stderr by complain; NULL: nothing is.
void complain_after(void (*clear)(void));

#endif
