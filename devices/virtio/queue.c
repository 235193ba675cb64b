// Split virtqueues; see queue.h. VIRTIO 1.2, 2.7.5 to 2.7.8, 2.7.10.
#include "devices/virtio/queue.h"
#include <string.h>

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, NO_INTERRUPT = 1 };
enum { DESCRIPTOR = 16, RING_HEAD = 4, USED_ELEMENT = 8 };

struct descriptor {
    uint64_t address;
    uint32_t bytes;
    uint16_t flags, next;
};

// --- rings ---
static bool get16(const struct virtqueue_rules *r, uint64_t at, uint16_t *value) {
    return dma_read(r->master, at, value, sizeof *value);
}
static bool put16(const struct virtqueue_rules *r, uint64_t at, uint16_t value) {
    return dma_write(r->master, at, &value, sizeof value);
}
static uint64_t available_at(const struct virtqueue *q, uint16_t n) { return q->available + RING_HEAD + 2ull * n; }
static uint64_t used_event(const struct virtqueue *q) { return available_at(q, q->size); }
static uint64_t used_at(const struct virtqueue *q, uint16_t n) {
    return q->done + RING_HEAD + (uint64_t)USED_ELEMENT * n;
}
static uint64_t available_event(const struct virtqueue *q) { return used_at(q, q->size); }

// --- chains ---
static bool add_piece(struct virtqueue_chain *c, const struct descriptor *d) {
    unsigned count = c->reads + c->writes;
    bool writes = d->flags & WRITE;
    if (count == VIRTQUEUE_PIECES || (c->writes && !writes)) return false;
    c->piece[count] = (struct virtqueue_piece){d->address, d->bytes};
    if (writes)
        c->writes++, c->write_bytes += d->bytes;
    else
        c->reads++, c->read_bytes += d->bytes;
    return true;
}

// The descriptors of a table from one on. A table has no loops that a walk of its length does not find.
static bool walk(struct virtqueue_chain *c, const struct virtqueue_rules *r, uint64_t table, uint32_t count,
                 uint16_t at, bool inner) {
    struct descriptor d = {.flags = NEXT, .next = at};
    for (uint32_t seen = 0; d.flags & NEXT; seen++) {
        if (d.next >= count || seen >= count) return false;
        if (!dma_read(r->master, table + (uint64_t)DESCRIPTOR * d.next, &d, sizeof d)) return false;
        if (!(d.flags & INDIRECT)) {
            if (!add_piece(c, &d)) return false;
            continue;
        }
        uint32_t entries = d.bytes / DESCRIPTOR;
        if (inner || !r->indirect || d.flags & NEXT || !entries || d.bytes % DESCRIPTOR || entries > VIRTQUEUE_PIECES)
            return false;
        return walk(c, r, d.address, entries, 0, true);
    }
    return true;
}

enum virtqueue_found virtqueue_look(struct virtqueue *q, const struct virtqueue_rules *r, struct virtqueue_chain *c) {
    uint16_t last;
    c->reads = c->writes = 0;
    c->read_bytes = c->write_bytes = 0;
    if (!get16(r, q->available + 2, &last)) return VIRTQUEUE_BROKEN;
    if (last == q->next) return VIRTQUEUE_EMPTY;
    bool good = (uint16_t)(last - q->next) <= q->size && get16(r, available_at(q, q->next % q->size), &c->head) &&
                walk(c, r, q->descriptors, q->size, c->head, false);
    return good ? VIRTQUEUE_REQUEST : VIRTQUEUE_BROKEN;
}

// Whether an index passed the one that the other side waits for.
static bool passed(uint16_t event, uint16_t now, uint16_t before) {
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

static bool wants_interrupt(struct virtqueue *q, const struct virtqueue_rules *r, bool *wanted) {
    uint16_t value;
    if (!get16(r, r->event_index ? used_event(q) : q->available, &value)) return false;
    *wanted = r->event_index ? !q->signalled_once || passed(value, q->used, q->signalled) : !(value & NO_INTERRUPT);
    if (*wanted) q->signalled = q->used, q->signalled_once = true;
    return true;
}

bool virtqueue_finish(struct virtqueue *q, const struct virtqueue_rules *r, const struct virtqueue_chain *c,
                      uint32_t bytes, bool *interrupt) {
    const uint32_t element[2] = {c->head, bytes};
    *interrupt = false;
    q->next++;
    if (!dma_write(r->master, used_at(q, q->used % q->size), element, sizeof element)) return false;
    q->used++;
    return put16(r, q->done + 2, q->used) && wants_interrupt(q, r, interrupt);
}

bool virtqueue_wait(const struct virtqueue *q, const struct virtqueue_rules *r) {
    return !r->event_index || put16(r, available_event(q), q->next);
}

// --- contents ---
struct window {
    const struct virtqueue_piece *piece;
    unsigned pieces;
};

static struct window window(const struct virtqueue_chain *c, bool writes) {
    return writes ? (struct window){c->piece + c->reads, c->writes} : (struct window){c->piece, c->reads};
}

static uint64_t move(struct window w, const struct virtqueue_rules *r, uint64_t offset, uint8_t *to,
                     const uint8_t *from, uint64_t bytes) {
    uint64_t done = 0;
    for (unsigned i = 0; i < w.pieces && done < bytes; i++) {
        const struct virtqueue_piece *p = &w.piece[i];
        if (offset >= p->bytes) {
            offset -= p->bytes;
            continue;
        }
        uint64_t n = p->bytes - offset < bytes - done ? p->bytes - offset : bytes - done, at = p->address + offset;
        if (at < offset || !(to ? dma_read(r->master, at, to + done, n) : dma_write(r->master, at, from + done, n)))
            break;
        done += n, offset = 0;
    }
    return done;
}

uint64_t virtqueue_take(const struct virtqueue_chain *c, const struct virtqueue_rules *r, uint64_t offset, void *to,
                        uint64_t bytes) {
    return move(window(c, false), r, offset, to, NULL, bytes);
}

uint64_t virtqueue_give(const struct virtqueue_chain *c, const struct virtqueue_rules *r, uint64_t offset,
                        const void *from, uint64_t bytes) {
    return move(window(c, true), r, offset, NULL, from, bytes);
}
