// A file or a channel that is read from its beginning to its end, once, however long it is: a snapshot.
#ifndef MONITOR_READABLE_H
#define MONITOR_READABLE_H
#include <stdbool.h>
#include <stddef.h>

struct readable;
struct readable *readable_open(const char *path); // NULL: files_why()
// It is closed with it. Who is silent for so many milliseconds (-1: no limit) has come to the end. NULL: memory is
// short.
struct readable *readable_of(int fd, int patience_ms);
// As struct source (devices/snapshot/frame.h) wants it. Waits; a signal that ends the run is an end of the file.
size_t readable_get(void *readable, void *to, size_t count);
// Why there was an end: "" when the file has one there.
const char *readable_why(const struct readable *readable);
void readable_close(struct readable *readable);

#endif
