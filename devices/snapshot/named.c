// State by names; see named.h.
//
// object   4 bytes: number of fields; each: name (2 bytes of length, and the letters), 1 byte: width of an element, 4
//          bytes: number of elements, the elements
#include "devices/snapshot/named.h"
#include <stdlib.h>
#include <string.h>

static size_t field_bytes(const struct state_field *f) { return (size_t)f->width * f->count; }

void named_put(struct frame_writer *w, const struct state_table *table, const void *object) {
    uint8_t *bytes = malloc(state_size(table) + 1), *from = bytes;
    if (!bytes) w->wrong = w->wrong ? w->wrong : "memory is short";
    if (!bytes) return;
    state_save(table, object, bytes);
    frame_put_number(w, table->count, 4);
    for (const struct state_field *f = table->fields; f < table->fields + table->count; from += field_bytes(f), f++) {
        frame_put_text(w, f->name);
        frame_put_number(w, f->width, 1);
        frame_put_number(w, f->count, 4);
        frame_put(w, from, field_bytes(f));
    }
    free(bytes);
}

// An object's state, being put together as state_load takes it.
struct filling {
    const struct state_table *table;
    const char *part;
    uint8_t *bytes;
    bool *has;      // of each field, that it is there
    uint32_t next;  // the field that probably comes next,
    size_t next_at; // and where it goes
};

// The field of that name, and where it goes; looked for from the one on that should be next.
static const struct state_field *find(struct filling *f, const char *name, size_t *at) {
    for (uint32_t i = 0; i < f->table->count; i++) {
        const struct state_field *field = &f->table->fields[f->next];
        bool same = !strcmp(field->name, name);
        *at = f->next_at;
        f->next++;
        f->next_at += field_bytes(field);
        if (f->next == f->table->count) f->next = 0, f->next_at = 0;
        if (same) return field;
    }
    return NULL;
}

static bool take_field(struct frame_reader *r, struct filling *f) {
    char name[FRAME_TEXT];
    size_t at;
    if (!frame_take_text(r, name)) return false;
    uint64_t width = frame_take_number(r, 1), count = frame_take_number(r, 4);
    const struct state_field *field = find(f, name, &at);
    if (*r->wrong) return false;
    if (!field) return frame_fail(r, "%s: there is no field %s in this version", f->part, name);
    if (width != field->width || count != field->count)
        return frame_fail(r, "%s: %s has %u of %u bytes, and in this version %u of %u", f->part, name, (unsigned)count,
                          (unsigned)width, field->count, field->width);
    if (f->has[field - f->table->fields]) return frame_fail(r, "%s: %s is there twice", f->part, name);
    f->has[field - f->table->fields] = true;
    const void *from = frame_take(r, field_bytes(field));
    if (from) memcpy(f->bytes + at, from, field_bytes(field));
    return from;
}

static bool take_fields(struct frame_reader *r, struct filling *f) {
    for (uint64_t fields = frame_take_number(r, 4); fields; fields--)
        if (!take_field(r, f)) return false;
    for (uint32_t i = 0; i < f->table->count; i++)
        if (!f->has[i]) return frame_fail(r, "%s: %s is missing", f->part, f->table->fields[i].name);
    return true;
}

static uint64_t element(const struct filling *f, const struct state_field *field, uint32_t index) {
    const uint8_t *at = f->bytes;
    uint64_t value = 0;
    for (const struct state_field *before = f->table->fields; before < field; before++) at += field_bytes(before);
    memcpy(&value, at + (size_t)index * field->width, field->width);
    return value;
}

static bool load(struct frame_reader *r, const struct filling *f, void *object) {
    uint32_t index;
    const struct state_field *refused = state_load(f->table, object, f->bytes, &index);
    if (!refused) return true;
    return frame_fail(r, "%s: %s[%u] has %llu, and can have %llu at most", f->part, refused->name, index,
                      (unsigned long long)element(f, refused, index), (unsigned long long)refused->greatest);
}

bool named_take(struct frame_reader *r, const char *part, const struct state_table *table, void *object) {
    struct filling f = {.table = table,
                        .part = part,
                        .bytes = malloc(state_size(table) + 1),
                        .has = calloc(table->count + 1, sizeof(bool))};
    bool taken = f.bytes && f.has ? take_fields(r, &f) && load(r, &f, object) : frame_fail(r, "memory is short");
    free(f.bytes);
    free(f.has);
    return taken;
}
