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

bool memory_init(struct memory *m, uint64_t bytes, bool extra) {
    m->low_bytes = bytes < MEMORY_LOW_LIMIT ? bytes : MEMORY_LOW_LIMIT;
    m->high_bytes = bytes - m->low_bytes;
    m->extra_bytes = extra ? MEMORY_EXTRA : 0;
    m->ram = calloc(1, total(m) + MEMORY_PAGE); // large: fresh pages of the host, which are zero without being touched
    m->touched = calloc(1, total(m) / MEMORY_CHUNK + 1);
    if (m->ram && m->touched) return true;
    memory_free(m);
    return false;
}

void memory_free(struct memory *m) {
    free(m->ram);
    free(m->touched);
    m->ram = m->touched = NULL;
}

// Where a range lies in `ram`; ~0 when it is not RAM.
static uint64_t offset_of(const struct memory *m, uint64_t physical, uint64_t length) {
    if (physical < m->low_bytes) return length <= m->low_bytes - physical ? physical : ~0ull;
    if (physical >= MEMORY_HIGH_BASE) {
        uint64_t offset = physical - MEMORY_HIGH_BASE;
        return offset < m->high_bytes && length <= m->high_bytes - offset ? m->low_bytes + offset : ~0ull;
    }
    uint64_t offset = physical - MEMORY_EXTRA_BASE;
    if (physical < MEMORY_EXTRA_BASE || offset >= m->extra_bytes || length > m->extra_bytes - offset) return ~0ull;
    return m->low_bytes + m->high_bytes + offset;
}

uint8_t *memory_at(struct memory *m, uint64_t physical, uint64_t length) {
    uint64_t offset = offset_of(m, physical, length);
    if (offset == ~0ull) return NULL;
    if (length)
        memset(m->touched + offset / MEMORY_CHUNK, 1, (offset + length - 1) / MEMORY_CHUNK - offset / MEMORY_CHUNK + 1);
    return m->ram + offset;
}

const uint8_t *memory_look(const struct memory *m, uint64_t physical, uint64_t length) {
    uint64_t offset = offset_of(m, physical, length);
    return offset == ~0ull ? NULL : m->ram + offset;
}

uint8_t *memory_page(struct memory *m, uint64_t physical) {
    physical &= ~(uint64_t)(MEMORY_PAGE - 1);
    uint64_t offset = offset_of(m, physical, MEMORY_PAGE);
    if (offset == ~0ull) return NULL;
    m->touched[offset / MEMORY_CHUNK] = 1;
    return m->ram + offset;
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
