// Why something cannot be had, as one line for whoever asked.
#ifndef DEVICES_REFUSE_H
#define DEVICES_REFUSE_H
#include <stdbool.h>
#include <stddef.h>

// Writes the line, cut to `size` bytes with its 0, or nothing where `size` is 0. Always false.
__attribute__((format(printf, 3, 4))) bool refuse(char *error, size_t size, const char *format, ...);

#endif
