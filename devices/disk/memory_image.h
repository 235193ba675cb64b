// An image that lies in memory: for tests, and for what a recording has of a disk.
#ifndef DEVICES_MEMORY_IMAGE_H
#define DEVICES_MEMORY_IMAGE_H
#include "devices/bus/back_end.h"

struct memory_image {
    uint8_t *data; // the caller's
    uint64_t bytes;
    bool writes;                             // without an overlay: what is written goes to `data`
    const char *fail;                        // what the next accesses fail with; NULL: they do not
    uint64_t wanted, read, written, flushed; // bytes so far; and how often
};
struct block_back memory_image_back(struct memory_image *image); // where it stays

#endif
