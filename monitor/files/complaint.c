// What the program says by itself; see complaint.h.
#define _GNU_SOURCE // vasprintf
#include "monitor/files/complaint.h"
#include "monitor/files/escape.h"
#include "monitor/files/written.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*clear_line)(void);

void complain_after(void (*clear)(void)) { clear_line = clear; }

static void put(void *context, const char *text, size_t bytes) { (void)written_put(context, text, bytes); }

// Returns the length before anything was escaped.
__attribute__((format(printf, 3, 0))) static int print(struct written *to, enum escape escape, const char *format,
                                                       va_list arguments) {
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    if (length < 0)
        put(to, "not enough memory", 17);
    else
        escape_to(put, to, text, (size_t)length, escape);
    if (length >= 0) free(text);
    return length;
}

bool complain(const char *format, ...) {
    struct written *errors = written_errors();
    va_list arguments;
    if (clear_line) clear_line();
    va_start(arguments, format);
    put(errors, "vmxray: ", 8);
    print(errors, ESCAPE_ONE_LINE, format, arguments);
    put(errors, "\n", 1);
    va_end(arguments);
    (void)written_flush(errors);
    return false;
}

int say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = print(written_output(), ESCAPE_LINES, format, arguments);
    va_end(arguments);
    return length;
}

void tell(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(written_errors(), ESCAPE_LINES, format, arguments);
    va_end(arguments);
    (void)written_flush(written_errors());
}

bool say_all(void) { return written_flush(written_output()); }
