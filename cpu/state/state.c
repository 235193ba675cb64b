// Walking state tables. Hosts are little-endian; elements are stored as the host has them.
#include "cpu/state/state.h"
#include <string.h>
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

static const uint8_t *element(const struct state_field *f, const void *object, uint32_t index) {
    return (const uint8_t *)object + f->offset + (size_t)index * f->stride;
}

uint64_t state_hash(const struct state_table *table, const void *object, uint64_t seed) {
    for (uint32_t i = 0; i < table->count; i++) {
        const struct state_field *f = &table->fields[i];
        if (f->count == 1 || f->stride == f->width) {
            seed = XXH64(element(f, object, 0), (size_t)f->width * f->count, seed);
            continue;
        }
        for (uint32_t j = 0; j < f->count; j++) seed = XXH64(element(f, object, j), f->width, seed);
    }
    return seed;
}

size_t state_size(const struct state_table *table) {
    size_t size = 0;
    for (uint32_t i = 0; i < table->count; i++) size += (size_t)table->fields[i].width * table->fields[i].count;
    return size;
}

void state_save(const struct state_table *table, const void *object, uint8_t *out) {
    for (uint32_t i = 0; i < table->count; i++) {
        const struct state_field *f = &table->fields[i];
        for (uint32_t j = 0; j < f->count; j++, out += f->width) memcpy(out, element(f, object, j), f->width);
    }
}

void state_load(const struct state_table *table, void *object, const uint8_t *in) {
    for (uint32_t i = 0; i < table->count; i++) {
        const struct state_field *f = &table->fields[i];
        for (uint32_t j = 0; j < f->count; j++, in += f->width)
            memcpy((uint8_t *)object + f->offset + (size_t)j * f->stride, in, f->width);
    }
}

const struct state_field *state_differs(const struct state_table *table, const void *a, const void *b,
                                        uint32_t *index) {
    for (uint32_t i = 0; i < table->count; i++) {
        const struct state_field *f = &table->fields[i];
        for (uint32_t j = 0; j < f->count; j++) {
            if (memcmp(element(f, a, j), element(f, b, j), f->width) == 0) continue;
            *index = j;
            return f;
        }
    }
    return NULL;
}
