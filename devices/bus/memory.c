// Guest RAM; see memory.h.
#include "devices/bus/memory.h"
#include <stdlib.h>

static uint64_t total(const struct memory *m) { return m->low_bytes + m->high_bytes + m->extra_bytes; }

static bool add(struct memory *m, const char *name, uint64_t base, uint64_t bytes, uint64_t offset) {
    return !bytes ||
           pages_add(&m->pages, &(struct area){.name = name, .base = base, .bytes = bytes, .data = m->ram + offset});
}

bool memory_init(struct memory *m, uint64_t bytes, bool extra) {
    m->low_bytes = bytes < MEMORY_LOW_LIMIT ? bytes : MEMORY_LOW_LIMIT;
    m->high_bytes = bytes - m->low_bytes;
    m->extra_bytes = extra ? MEMORY_EXTRA : 0;
    m->ram = calloc(1, total(m) + MEMORY_PAGE); // large: fresh pages of the host, which are zero without being touched
    if (m->ram && add(m, "ram", 0, m->low_bytes, 0) &&
        add(m, "ram-high", MEMORY_HIGH_BASE, m->high_bytes, m->low_bytes) &&
        add(m, "pc-testdev", MEMORY_EXTRA_BASE, m->extra_bytes, m->low_bytes + m->high_bytes) &&
        page_hash_init(&m->hash, &m->pages))
        return true;
    memory_free(m);
    return false;
}

void memory_free(struct memory *m) {
    pages_free(&m->pages);
    page_hash_free(&m->hash);
    free(m->ram);
    m->ram = NULL;
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
