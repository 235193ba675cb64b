// A file that is there as a whole or not at all: it is written beside its place, and takes that when everything has
// reached the disk. What has that name before stays until then, and for ever when something fails.
#ifndef MONITOR_REPLACED_H
#define MONITOR_REPLACED_H
#include <stdbool.h>
#include <stddef.h>

struct replaced;
// What is there already may be replaced only when it begins with these bytes, or is empty. NULL: `why` says what is
// wrong.
struct replaced *replaced_open(const char *path, const void *begins, size_t bytes, char *why, size_t why_size);
bool replaced_put(void *replaced, const void *bytes, size_t count); // as struct sink wants it
// Takes its place, if everything could be put and `good`; else nothing is left of it. False: `why`, when it is the
// host.
bool replaced_close(struct replaced *replaced, bool good, char *why, size_t why_size);

#endif
