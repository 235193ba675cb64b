// A short text that is put together piece by piece; what does not fit is left out.
#ifndef MONITOR_EXPLAIN_TEXT_H
#define MONITOR_EXPLAIN_TEXT_H
#include <stddef.h>
#include <stdint.h>

enum { TEXT_ROOM = 1024 };
struct text {
    size_t used;
    char at[TEXT_ROOM];
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
// "  a", then ", b": the first two arguments are what stands before the first piece and between pieces.
void text_item(struct text *text, const char *before, const char *between, const char *item);

// "bit 5", "bits 63:48 and 3": adds the numbers of the bits that are set, from the highest.
void text_bits(struct text *text, uint64_t bits);

#endif
