// Guest RAM; see memory.h.
#include "devices/bus/memory.h"
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

static uint64_t total(const struct memory *m) { return m->low_bytes + m->high_bytes + m->extra_bytes; }

static void touch(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    (void)area, (void)page;
    struct memory *m = context;
    m->touched[(old - m->ram) / MEMORY_CHUNK] = 1;
}

static bool add(struct memory *m, const char *name, uint64_t base, uint64_t bytes, uint64_t offset) {
    return !bytes ||
           pages_add(&m->pages, &(struct area){.name = name, .base = base, .bytes = bytes, .data = m->ram + offset});
}

bool memory_init(struct memory *m, uint64_t bytes, bool extra) {
    m->low_bytes = bytes < MEMORY_LOW_LIMIT ? bytes : MEMORY_LOW_LIMIT;
    m->high_bytes = bytes - m->low_bytes;
    m->extra_bytes = extra ? MEMORY_EXTRA : 0;
    m->ram = calloc(1, total(m) + MEMORY_PAGE); // large: fresh pages of the host, which are zero without being touched
    m->touched = calloc(1, total(m) / MEMORY_CHUNK + 1);
    m->toucher = (struct page_watcher){.context = m, .before_first_store = touch};
    if (m->ram && m->touched && add(m, "ram", 0, m->low_bytes, 0) &&
        add(m, "ram-high", MEMORY_HIGH_BASE, m->high_bytes, m->low_bytes) &&
        add(m, "pc-testdev", MEMORY_EXTRA_BASE, m->extra_bytes, m->low_bytes + m->high_bytes) &&
        pages_watch(&m->pages, &m->toucher))
        return true;
    memory_free(m);
    return false;
}

void memory_free(struct memory *m) {
    pages_free(&m->pages);
    free(m->ram);
    free(m->touched);
    m->ram = m->touched = NULL;
}

const uint8_t *memory_look(const struct memory *m, uint64_t physical, uint64_t length) {
    return pages_read(&m->pages, physical, length);
}

uint8_t *memory_for_writing(struct memory *m, uint64_t physical, uint64_t length) {
    return pages_store(&m->pages, physical, length);
}

struct page_frame memory_frame(struct memory *m, uint64_t physical) {
    return pages_frame(&m->pages, physical);
}

static bool is_zero(const uint8_t *page) {
    uint64_t first;
    memcpy(&first, page, sizeof first);
    return first == 0 && memcmp(page, page + sizeof first, MEMORY_PAGE - sizeof first) == 0;
}

// Pages of zeros count for nothing, so that it does not matter whether they were touched.
uint64_t memory_hash(const struct memory *m, uint64_t seed) {
    uint64_t hash = seed, bytes = total(m);
    for (uint64_t offset = 0; offset < bytes; offset += MEMORY_PAGE) {
        if (!m->touched[offset / MEMORY_CHUNK]) {
            offset |= MEMORY_CHUNK - MEMORY_PAGE;
            continue;
        }
        if (!is_zero(m->ram + offset)) hash = XXH3_64bits_withSeed(m->ram + offset, MEMORY_PAGE, hash ^ offset);
    }
    return hash;
}
