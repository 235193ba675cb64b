// What is wrong in a snapshot is named, with part and field, whoever computed the checksums; and nothing in one does
// harm.
#include "tests/snapshot/damage.h"
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A field of the first processor, changed in some way.
struct edit {
    const char *field; // "": the whole frame
    enum { RENAME, LEAVE_OUT, DOUBLE, WIDER, LONGER, GREATER, NOTHING } how;
    const char *says;
};

static uint8_t *field_at(struct frame *f, const char *name) {
    char text[64];
    size_t length = strlen(name);
    text[0] = (char)length, text[1] = 0;
    memcpy(text + 2, name, length);
    for (size_t i = 0; i + length + 2 < f->size; i++)
        if (!memcmp(f->bytes + i, text, length + 2)) return f->bytes + i;
    return NULL;
}

static bool is_first_cpu(struct frame *f) {
    static const uint8_t begins[] = {4, 0, 'p', 'a', 'r', 't', 3, 0, 'c', 'p', 'u', 0, 0, 0, 0};
    return f->size > sizeof begins && !memcmp(f->bytes, begins, sizeof begins);
}

static void change_count(struct frame *f, int by) {
    enum { AT = 15 };
    f->bytes[AT] = (uint8_t)(f->bytes[AT] + by);
}

static bool apply(void *context, struct frame *f) {
    const struct edit *e = context;
    if (!is_first_cpu(f)) return true;
    if (!*e->field) return false;
    uint8_t *name = field_at(f, e->field), *head = name + 2 + strlen(e->field), *value = head + 5;
    size_t bytes = head[0] * (size_t)head[1], whole = (size_t)(value + bytes - name);
    switch (e->how) {
    case RENAME: name[2]++; break;
    case WIDER: head[0]++; break;
    case LONGER: head[1]++; break;
    case GREATER: memset(value, 0xff, bytes); break;
    case DOUBLE:
        memmove(f->bytes + f->size, name, whole);
        f->size += whole;
        change_count(f, 1);
        break;
    case LEAVE_OUT:
        memmove(name, name + whole, (size_t)(f->bytes + f->size - (name + whole)));
        f->size -= whole;
        change_count(f, -1);
        break;
    case NOTHING: break;
    }
    return true;
}

static void named(struct store *whole) {
    static const struct edit edits[] = {
        {"rip", RENAME, "cpu 0: there is no field sip in this version"},
        {"rip", LEAVE_OUT, "cpu 0: rip is missing"},
        {"rip", DOUBLE, "cpu 0: rip is there twice"},
        {"rip", WIDER, "cpu 0: rip has 1 of 9 bytes, and in this version 1 of 8"},
        {"gpr", LONGER, "cpu 0: gpr has 17 of 8 bytes, and in this version 16 of 8"},
        {"id", GREATER, "cpu 0: id[0] has 4294967295, and can have 63 at most"},
        {"", NOTHING, "the part cpu 0 is missing"},
    };
    struct store changed = {0};
    for (unsigned i = 0; i < sizeof edits / sizeof *edits; i++) {
        const char *why = "";
        damage_frames(whole, &changed, apply, (void *)(uintptr_t)&edits[i]);
        bool loads = damage_loads(&changed, &why);
        ok(!loads && !strncmp(why, "at byte ", 8) && strstr(why, edits[i].says), "it says: %s", edits[i].says);
        if (loads || !strstr(why, edits[i].says)) diag("it said: %s", why);
    }
    struct edit nothing = {"rip", NOTHING, ""};
    const char *why;
    damage_frames(whole, &changed, apply, &nothing);
    ok(damage_loads(&changed, &why) && changed.size == whole->size && !memcmp(changed.bytes, whole->bytes, whole->size),
       "and written as it was it is what it was");
    store_free(&changed);
}

// Sanitizers are slow.
static unsigned looks(void) {
    const char *san = getenv("SAN");
    return san && *san ? 100 : 400;
}

// Each byte another one, each length.
static void each(struct store *whole) {
    size_t size = whole->size, step = size / looks() + 1;
    const char *why;
    loop_begin("a byte that is another one, and an end that comes too early, are told with their place");
    for (size_t i = 0; i < size; i += i < looks() / 2 ? 1 : step) {
        whole->bytes[i] ^= 0x10;
        loop_check(!damage_loads(whole, &why) && !strncmp(why, "at byte ", 8), "byte %zu: %s", i, why);
        whole->bytes[i] ^= 0x10;
        whole->size = i;
        loop_check(!damage_loads(whole, &why) && !strncmp(why, "at byte ", 8), "cut after %zu: %s", i, why);
        whole->size = size;
    }
    loop_end();
}

int main(void) {
    struct store whole = {0};
    damage_saved(&whole);
    named(&whole);
    each(&whole);
    store_free(&whole);
    damage_try(1, looks());
    return done_testing();
}
