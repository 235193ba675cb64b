// A split virtqueue: descriptors, the ring of what the driver made available, and the ring of what was used. Virtual
// I/O Device (VIRTIO) specification 1.2, 2.7. The memory is the guest's, which may change it at any time: everything
// that is read is looked at, and whatever is wrong breaks the queue (the device needs a reset then).
//
// The next request stays in the ring until it is done: nothing of it is state but where in the ring the device is.
#ifndef DEVICES_VIRTQUEUE_H
#define DEVICES_VIRTQUEUE_H
#include "devices/bus/dma.h"

// Descriptors of a ring; pieces of memory that a request has, those of its table among them.
enum { VIRTQUEUE_SIZE = 256, VIRTQUEUE_PIECES = 1024 };

struct virtqueue {
    // architectural
    uint16_t size;      // descriptors: a power of two
    uint16_t vector;    // of MSI-X; FFFFH: none
    uint8_t enabled;    // by the driver
    uint16_t next;      // of the available ring: what is to be done next
    uint16_t used;      // of the used ring: what is filled next
    uint16_t signalled; // `used` when the driver was interrupted last
    uint8_t signalled_once;
    uint64_t descriptors, available, done; // guest-physical
};

// What the driver and the device have agreed on.
struct virtqueue_rules {
    const struct bus_master *master;
    bool indirect, event_index;
};

struct virtqueue_piece {
    uint64_t address;
    uint32_t bytes;
};
// A request: what the device reads, and behind it what it writes.
struct virtqueue_chain {
    uint16_t head;
    unsigned reads, writes; // pieces
    uint64_t read_bytes, write_bytes;
    struct virtqueue_piece piece[VIRTQUEUE_PIECES];
};

enum virtqueue_found { VIRTQUEUE_EMPTY, VIRTQUEUE_REQUEST, VIRTQUEUE_BROKEN };
// The next request, which stays where it is.
enum virtqueue_found virtqueue_look(struct virtqueue *q, const struct virtqueue_rules *r,
                                    struct virtqueue_chain *chain);
// It is done: `bytes` were written. False: broken. *interrupt: whether the driver wants one.
bool virtqueue_finish(struct virtqueue *q, const struct virtqueue_rules *r, const struct virtqueue_chain *chain,
                      uint32_t bytes, bool *interrupt);
// The queue is empty: the driver is to tell of the next request. False: broken.
bool virtqueue_wait(const struct virtqueue *q, const struct virtqueue_rules *r);

// Bytes at an offset into what the device reads, or writes, of a request. How many could be moved: fewer, when the
// memory is none or the request has no more.
uint64_t virtqueue_take(const struct virtqueue_chain *chain, const struct virtqueue_rules *r, uint64_t offset, void *to,
                        uint64_t bytes);
uint64_t virtqueue_give(const struct virtqueue_chain *chain, const struct virtqueue_rules *r, uint64_t offset,
                        const void *from, uint64_t bytes);

#endif
