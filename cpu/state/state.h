// State tables: the architectural fields of a struct, each listed once. Save, load, hash, diff and print walk the
// table; what is not in a table is derived (may be dropped at any time) or wiring (pointers).
#ifndef CPU_STATE_H
#define CPU_STATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_field {
    const char *name;
    uint32_t offset; // bytes from the start of the struct
    uint32_t width;  // bytes of one element: 1, 2, 4 or 8
    uint32_t count;  // elements
    uint32_t stride; // bytes from one element to the next
};

struct state_table {
    const char *name; // "cpu", "uart", ...
    const struct state_field *fields;
    uint32_t count;
    bool unhashed; // counts of what happened, which decide nothing: saved and loaded, but no part of the hash
};

// A scalar; an array of scalars; one member in each element of an array of structs.
#define STATE_ONE(type, member)                                                                                        \
    { #member, offsetof(type, member), sizeof(((type *)0)->member), 1, 0 }
#define STATE_ARRAY(type, member)                                                                                      \
    {                                                                                                                  \
#member, offsetof(type, member), sizeof(((type *)0)->member[0]),                                               \
            sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), sizeof(((type *)0)->member[0])               \
    }
#define STATE_EACH(type, array, member)                                                                                \
    {                                                                                                                  \
#array "[]." #member, offsetof(type, array[0].member), sizeof(((type *)0)->array[0].member),                   \
            sizeof(((type *)0)->array) / sizeof(((type *)0)->array[0]), sizeof(((type *)0)->array[0])                  \
    }
#define STATE_TABLE(name, fields)                                                                                      \
    { name, fields, sizeof(fields) / sizeof(fields[0]), false }
#define STATE_COUNTS(name, fields)                                                                                     \
    { name, fields, sizeof(fields) / sizeof(fields[0]), true }

// Continues a 64-bit hash over every field of `object` (xxHash64, seeded with what came before).
uint64_t state_hash(const struct state_table *table, const void *object, uint64_t seed);
// Bytes that state_save writes and state_load reads for one object.
size_t state_size(const struct state_table *table);
void state_save(const struct state_table *table, const void *object, uint8_t *out);
void state_load(const struct state_table *table, void *object, const uint8_t *in);
// The first field that differs, or NULL; *index is the element.
const struct state_field *state_differs(const struct state_table *table, const void *a, const void *b, uint32_t *index);

#endif
