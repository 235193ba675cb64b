// The words that are the program's own, and the one way to say what is wrong. What is quoted may be anything: one line
// it is, and no terminal is told anything.
#define _GNU_SOURCE
#include "monitor/host/status.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool complain(const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) text = NULL;
    va_end(arguments);
    for (char *p = text; p && *p; p++)
        if (iscntrl((unsigned char)*p)) *p = '?';
    fprintf(stderr, "vmxray: %s\n", text ? text : "not enough memory");
    free(text);
    return false;
}

int say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vprintf(format, arguments);
    va_end(arguments);
    return length;
}

void tell(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

bool say_all(void) { return fflush(stdout) == 0; }
