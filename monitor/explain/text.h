// A short text that is put together piece by piece; what does not fit is left out.
#ifndef MONITOR_EXPLAIN_TEXT_H
#define MONITOR_EXPLAIN_TEXT_H
#include <stddef.h>

enum { TEXT_ROOM = 1024 };
struct text {
    size_t used;
    char at[TEXT_ROOM];
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
// "  a", then ", b": the first two arguments are what stands before the first piece and between pieces.
void text_item(struct text *text, const char *before, const char *between, const char *item);

#endif
