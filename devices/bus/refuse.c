// See refuse.h.
#include "devices/bus/refuse.h"
#include <stdarg.h>
#include <stdio.h>

bool refuse(char *error, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (size) vsnprintf(error, size, format, arguments);
    va_end(arguments);
    return false;
}
