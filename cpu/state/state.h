// State tables: the architectural fields of a struct, each listed once. Save, load, hash, diff and print walk the
// table; what is not in a table is derived (may be dropped at any time) or wiring (pointers).
#ifndef CPU_STATE_H
#define CPU_STATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_field {
    const char *name;
    uint32_t offset;   // bytes from the start of the struct
    uint32_t width;    // bytes of one element: 1, 2, 4 or 8
    uint32_t count;    // elements
    uint32_t stride;   // bytes from one element to the next
    uint64_t greatest; // value that an element may have: what is an index stays within its array
};

struct state_table {
    const char *name; // "cpu", "uart", ...
    const struct state_field *fields;
    uint32_t count;
    bool unhashed; // counts of what happened, which decide nothing: saved and loaded, but no part of the hash
    bool (*valid)(const void *object); // rules between fields, for what was loaded; NULL: there are none
};

// A scalar; an array of scalars; one member in each element of an array of structs. Any value that the type can hold
// may be loaded, or with _TO what is at most `greatest`.
#define STATE_WIDEST(object) _Generic((object), bool : 1, default : ~0ull >> (64 - 8 * sizeof(object)))
#define STATE_ONE_TO(type, member, greatest)                                                                           \
    { #member, offsetof(type, member), sizeof(((type *)0)->member), 1, 0, greatest }
#define STATE_ARRAY_TO(type, member, greatest)                                                                         \
    {                                                                                                                  \
#member, offsetof(type, member), sizeof(((type *)0)->member[0]),                                               \
            sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), sizeof(((type *)0)->member[0]), greatest     \
    }
#define STATE_EACH_TO(type, array, member, greatest)                                                                   \
    {                                                                                                                  \
#array "[]." #member, offsetof(type, array[0].member), sizeof(((type *)0)->array[0].member),                   \
            sizeof(((type *)0)->array) / sizeof(((type *)0)->array[0]), sizeof(((type *)0)->array[0]), greatest        \
    }
// A member that consists of words of 8 bytes, whatever it calls them.
#define STATE_WORDS(type, member)                                                                                      \
    { #member, offsetof(type, member), 8, sizeof(((type *)0)->member) / 8, 8, ~0ull }
#define STATE_ONE(type, member) STATE_ONE_TO(type, member, STATE_WIDEST(((type *)0)->member))
#define STATE_ARRAY(type, member) STATE_ARRAY_TO(type, member, STATE_WIDEST(((type *)0)->member[0]))
#define STATE_EACH(type, array, member) STATE_EACH_TO(type, array, member, STATE_WIDEST(((type *)0)->array[0].member))
// After the fields may come the function that looks at rules between them.
#define STATE_TABLE(title, rows, ...)                                                                                  \
    { .name = title, .fields = rows, .count = sizeof(rows) / sizeof(rows[0]), __VA_OPT__(.valid = __VA_ARGS__) }
#define STATE_COUNTS(title, rows)                                                                                      \
    { .name = title, .fields = rows, .count = sizeof(rows) / sizeof(rows[0]), .unhashed = true }

// A 64-bit hash (xxHash64) of every field of `object` by its name, whatever the order of the table, and of what came
// before.
uint64_t state_hash(const struct state_table *table, const void *object, uint64_t before);
uint64_t state_name_hash(const char *name);
// Bytes that state_save writes and state_load reads for one object.
size_t state_size(const struct state_table *table);
void state_save(const struct state_table *table, const void *object, uint8_t *out);
// NULL: everything was loaded. Else nothing was: a field that is more than its greatest value, and in *index which
// element.
[[nodiscard]] const struct state_field *state_load(const struct state_table *table, void *object, const uint8_t *in,
                                                   uint32_t *index);
// The first field that differs, or NULL; *index is the element.
const struct state_field *state_differs(const struct state_table *table, const void *a, const void *b, uint32_t *index);

#endif
