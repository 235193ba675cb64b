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

// Its elements lie side by side: one span of bytes.
static bool is_span(const struct state_field *f) { return f->count == 1 || f->stride == f->width; }
static size_t field_bytes(const struct state_field *f) { return (size_t)f->width * f->count; }

uint64_t state_name_hash(const char *name) { return XXH64(name, strlen(name), 0); }

static uint64_t field_hash(const struct state_field *f, const void *object) {
    uint64_t hash = state_name_hash(f->name);
    if (is_span(f)) return XXH64(element(f, object, 0), field_bytes(f), hash);
    for (uint32_t j = 0; j < f->count; j++) hash = XXH64(element(f, object, j), f->width, hash);
    return hash;
}

// The sum of the fields' hashes: they may stand in any order.
uint64_t state_hash(const struct state_table *table, const void *object, uint64_t before) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < table->count; i++) sum += field_hash(&table->fields[i], object);
    return XXH64(&sum, sizeof sum, before);
}

size_t state_size(const struct state_table *table) {
    size_t size = 0;
    for (uint32_t i = 0; i < table->count; i++) size += field_bytes(&table->fields[i]);
    return size;
}

void state_save(const struct state_table *table, const void *object, uint8_t *out) {
    for (const struct state_field *f = table->fields; f < table->fields + table->count; out += field_bytes(f), f++) {
        if (is_span(f))
            memcpy(out, element(f, object, 0), field_bytes(f));
        else
            for (uint32_t j = 0; j < f->count; j++) memcpy(out + (size_t)j * f->width, element(f, object, j), f->width);
    }
}

// Any element is possible that fits the width: nothing needs to be looked at.
static bool takes_all(const struct state_field *f) { return f->greatest == ~0ull >> (64 - 8 * f->width); }

static bool field_refused(const struct state_field *f, const uint8_t *in, uint32_t *index) {
    if (takes_all(f)) return false;
    for (uint32_t j = 0; j < f->count; j++) {
        uint64_t value = 0;
        memcpy(&value, in + (size_t)j * f->width, f->width);
        if (value <= f->greatest) continue;
        *index = j;
        return true;
    }
    return false;
}

static void field_load(const struct state_field *f, void *object, const uint8_t *in) {
    if (is_span(f)) {
        memcpy((uint8_t *)object + f->offset, in, field_bytes(f));
        return;
    }
    for (uint32_t j = 0; j < f->count; j++)
        memcpy((uint8_t *)object + f->offset + (size_t)j * f->stride, in + (size_t)j * f->width, f->width);
}

const struct state_field *state_load(const struct state_table *table, void *object, const uint8_t *in,
                                     uint32_t *index) {
    const struct state_field *end = table->fields + table->count;
    const uint8_t *from = in;
    for (const struct state_field *f = table->fields; f < end; from += field_bytes(f), f++)
        if (field_refused(f, from, index)) return f;
    for (const struct state_field *f = table->fields; f < end; in += field_bytes(f), f++) field_load(f, object, in);
    return NULL;
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
