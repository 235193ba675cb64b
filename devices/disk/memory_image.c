// An image in memory; see memory_image.h.
#include "devices/disk/memory_image.h"
#include <string.h>

static void want(void *context, uint64_t at, uint64_t bytes) {
    (void)at;
    ((struct memory_image *)context)->wanted += bytes;
}

// What of a range is in the image; the rest of a drive's last sector is not.
static uint64_t inside(const struct memory_image *i, uint64_t at, uint64_t bytes) {
    return at >= i->bytes ? 0 : bytes < i->bytes - at ? bytes : i->bytes - at;
}

static const char *read(void *context, uint64_t at, uint64_t bytes, void *to) {
    struct memory_image *i = context;
    if (i->fail) return i->fail;
    uint64_t n = inside(i, at, bytes);
    if (n) memcpy(to, i->data + at, n);
    memset((uint8_t *)to + n, 0, bytes - n);
    i->read += bytes;
    return NULL;
}

static const char *write(void *context, uint64_t at, uint64_t bytes, const void *from) {
    struct memory_image *i = context;
    if (i->fail) return i->fail;
    uint64_t n = inside(i, at, bytes);
    if (n) memcpy(i->data + at, from, n);
    i->written += bytes;
    return NULL;
}

static const char *flush(void *context) {
    struct memory_image *i = context;
    i->flushed++;
    return i->fail;
}

struct block_back memory_image_back(struct memory_image *image) {
    return (struct block_back){
        .context = image, .want = want, .read = read, .write = image->writes ? write : NULL, .flush = flush};
}
