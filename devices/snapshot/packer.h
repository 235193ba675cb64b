// How bytes are made smaller: a value that the front end hands in, so that the core needs no library for it. Equal
// bytes must become equal bytes.
#ifndef DEVICES_SNAPSHOT_PACKER_H
#define DEVICES_SNAPSHOT_PACKER_H
#include <stdbool.h>
#include <stddef.h>

struct packer {
    void *context;
    // The bytes that it took; 0: they do not fit in `room`, or memory is short: they stay as they are.
    size_t (*pack)(void *context, void *to, size_t room, const void *from, size_t bytes);
    // False unless it becomes exactly `bytes`. What is packed may come from a file that somebody made up.
    bool (*unpack)(void *context, void *to, size_t bytes, const void *from, size_t packed);
};

#endif
