// Text that others wrote (names of symbols and files, memory of the guest, words of a script) made fit for a terminal:
// no byte of it can move the cursor, change the terminal or hide what stands beside it. Everything that the program
// prints passes here, but the guest's own serial output, which is the console of its user.
#ifndef MONITOR_ESCAPE_H
#define MONITOR_ESCAPE_H
#include <stdbool.h>
#include <stddef.h>

// LINES: newlines and tabs stay. ONE_LINE: they are escaped too, as in names, which must not begin a line of their own.
enum escape { ESCAPE_LINES, ESCAPE_ONE_LINE };

// Hands the text on in pieces. Control characters (C0, DEL, C1), characters that change the direction of writing or
// have no width, and what is no UTF-8 come as \n, \t, \r or \xNN for each byte; all else as it is.
typedef void escape_put_fn(void *context, const char *text, size_t bytes);
void escape_to(escape_put_fn *put, void *context, const char *text, size_t bytes, enum escape escape);
// A name, as one line, cut off where `size` ends. Returns `to`.
char *escape_name(char *to, size_t size, const char *name);
// Whether the name can be shown as it is. Where it cannot, it is not offered for completion.
bool escape_leaves(const char *name);

#endif
