// The one way to say what is wrong.
#include "monitor/status.h"
#include <stdarg.h>
#include <stdio.h>

bool complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    flockfile(stderr);
    fputs("vmxray: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
    return false;
}
