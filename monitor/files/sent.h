// Bytes on their way to somebody else: a process, another host.
#ifndef MONITOR_SENT_H
#define MONITOR_SENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sent {
    int fd;
    uint64_t bytes;  // so far
    const char *why; // it went no further; NULL: it did
};
// As struct sink wants it (devices/snapshot/frame.h). Waits for who reads it, until a signal asks for the monitor.
bool sent_put(void *sent, const void *bytes, size_t count);
// A word of exactly `count` bytes that is to come back. False: another one did, none within that time, or a signal.
bool sent_answered(int fd, const void *word, size_t count, int milliseconds);

#endif
