// Guest memory; see memory.h.
#include "devices/bus/memory.h"
#include <stdlib.h>
#include <string.h>

#define AREA_MOST (1ull << 44) // bytes: where the next one begins

static bool add(struct memory *m, const char *name, uint64_t base, uint64_t bytes, uint8_t *data) {
    return !bytes || pages_add(&m->pages, &(struct area){.name = name, .base = base, .bytes = bytes, .data = data});
}

bool memory_init(struct memory *m, uint64_t bytes) { return memory_init_split(m, bytes, MEMORY_LOW_LIMIT); }

bool memory_init_split(struct memory *m, uint64_t bytes, uint64_t low_limit) {
    m->low_bytes = bytes < low_limit ? bytes : low_limit;
    m->high_bytes = bytes - m->low_bytes;
    m->ram = calloc(1, bytes + MEMORY_PAGE); // large: fresh pages of the host, which are zero without being touched
    if (m->ram && add(m, "ram", 0, m->low_bytes, m->ram) &&
        add(m, "ram-high", MEMORY_HIGH_BASE, m->high_bytes, m->ram + m->low_bytes) &&
        page_hash_init(&m->hash, &m->pages))
        return true;
    memory_free(m);
    return false;
}

const struct area *memory_area(const struct memory *m, const char *name) {
    for (unsigned i = 0; i < m->pages.areas; i++)
        if (!strcmp(m->pages.area[i].name, name)) return &m->pages.area[i];
    return NULL;
}

static uint64_t whole_pages(uint64_t bytes) { return (bytes + MEMORY_PAGE - 1) & ~(uint64_t)(MEMORY_PAGE - 1); }

struct area *memory_add_area(struct memory *m, const char *name, uint64_t bytes, bool read_only) {
    const unsigned i = m->pages.areas;
    uint8_t *data = i < PAGES_AREAS && bytes <= AREA_MOST ? calloc(1, whole_pages(bytes) + 1) : NULL;
    if (data) free(m->own[i]), m->own[i] = data;
    return data ? memory_add_given(m, name, bytes, data, read_only) : NULL;
}

struct area *memory_add_given(struct memory *m, const char *name, uint64_t bytes, uint8_t *data, bool read_only) {
    const unsigned i = m->pages.areas;
    if (i == PAGES_AREAS || !bytes || bytes > AREA_MOST || strlen(name) >= MEMORY_AREA_NAME || memory_area(m, name))
        return NULL;
    const struct area area = {.name = strcpy(m->name[i], name),
                              .base = PAGES_APART + i * AREA_MOST,
                              .bytes = whole_pages(bytes),
                              .data = data,
                              .read_only = read_only};
    return pages_add(&m->pages, &area) && page_hash_join(&m->hash, i) ? &m->pages.area[i] : NULL;
}

void memory_free(struct memory *m) {
    pages_free(&m->pages);
    page_hash_free(&m->hash);
    for (unsigned i = 0; i < PAGES_AREAS; i++) free(m->own[i]);
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
