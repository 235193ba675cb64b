// Where two recordings part; see difference.h.
#include "devices/recording/difference.h"
#include "cpu/state/state.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_private.h"
#include <stdio.h>
#include <string.h>

enum { STRIDE = 20000000 }; // steps between two looks at the hashes

// --- the machines ---

static bool open_one(struct recording_pair *p, unsigned i, const struct pair_wish *wish, char *error, size_t size) {
    const struct recording *r = p->r[i];
    struct machine_config config = wish->config ? *wish->config : r->setup.config;
    memset(config.serial, 0, sizeof config.serial); // what they send goes nowhere
    config.debug_console = (struct character_back){0};
    p->m[i] = machine_new(&config, error, size);
    if (!p->m[i]) return false;
    if (!recording_start(r, p->m[i], wish->packer, error, size)) return false;
    p->t[i] = timeline_new(p->m[i], wish->history_bytes);
    if (p->t[i] && timeline_expect(p->t[i], &r->inputs, &r->end))
        return recording_load(r, p->m[i], p->t[i], wish->packer, error, size);
    snprintf(error, size, "not enough memory");
    return false;
}

bool pair_open(struct recording_pair *p, const struct pair_wish *wish, char *error, size_t size) {
    for (unsigned i = 0; i < 2; i++) {
        if (!open_one(p, i, wish, error, size)) return false;
        machine_set_look(p->m[i], wish->look, wish->context);
    }
    return true;
}

void pair_close(struct recording_pair *p) {
    for (unsigned i = 0; i < 2; i++) {
        timeline_free(p->t[i]);
        machine_free(p->m[i]);
    }
}

// --- finding ---

static bool same_input(const struct input *a, const struct input *b) {
    return position_same(&a->at, &b->at) && a->kind == b->kind && a->unit == b->unit && a->where == b->where &&
           a->bytes == b->bytes && (!a->bytes || memcmp(a->data, b->data, a->bytes) == 0);
}

size_t pair_same_inputs(const struct recording_pair *p) {
    const struct input_list *a = &p->r[0]->inputs, *b = &p->r[1]->inputs;
    size_t same = 0;
    while (same < a->count && same < b->count && same_input(&a->input[same], &b->input[same])) same++;
    return same;
}

// *same: the machines are the same at the first position of that step.
static bool compare_at(struct recording_pair *p, uint64_t step, bool *same, const char **wrong) {
    for (unsigned i = 0; i < 2; i++) {
        if (timeline_go_step(p->t[i], step, wrong)) continue;
        if (!*wrong) *wrong = "there is no such step";
        return false;
    }
    *same = machine_hash(p->m[0]) == machine_hash(p->m[1]);
    return true;
}

// Both are the same at `low`, and differ at `high`.
static enum pair_found narrow(struct recording_pair *p, uint64_t low, uint64_t high, uint64_t *step,
                              const char **wrong) {
    bool same;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (!compare_at(p, middle, &same, wrong)) return PAIR_FAILED;
        *(same ? &low : &high) = middle;
    }
    *step = high;
    return compare_at(p, high, &same, wrong) ? PAIR_DIFFERS : PAIR_FAILED;
}

enum pair_found pair_find(struct recording_pair *p, uint64_t *step, const char **wrong) {
    uint64_t ends[2] = {p->r[0]->end.steps, p->r[1]->end.steps}, end = ends[ends[1] < ends[0]];
    uint64_t begins[2] = {p->r[0]->begin.steps, p->r[1]->begin.steps}, first = begins[begins[1] > begins[0]];
    uint64_t at = first, before = first;
    bool same;
    *wrong = first > end ? "they have no step in common" : NULL;
    if (*wrong) return PAIR_FAILED;
    for (;; before = at, at = end - at > STRIDE ? at + STRIDE : end) {
        if (!compare_at(p, at, &same, wrong)) return PAIR_FAILED;
        if (!same) break;
        *step = at;
        if (at == end) return PAIR_SAME;
    }
    if (at > first) return narrow(p, before, at, step, wrong);
    *step = first;
    return PAIR_DIFFERS;
}

// --- one recording, and what a replay of it comes to ---

static enum pair_found differ_at(struct recording_pair *p, const struct position *at, const char **wrong) {
    for (unsigned i = 0; i < 2; i++) {
        if (timeline_go(p->t[i], at, wrong)) continue;
        if (!*wrong) *wrong = "it does not come there";
        return PAIR_FAILED;
    }
    return machine_hash(p->m[0]) == machine_hash(p->m[1]) ? PAIR_SAME : PAIR_DIFFERS;
}

enum pair_found parting_find(struct parting *parting, const struct recording *r, const struct position *good,
                             const struct pair_wish *wish, uint64_t *step, char *error, size_t size) {
    struct recording_pair *p = &parting->pair;
    enum pair_found found = PAIR_SAME;
    const char *wrong = NULL;
    *parting = (struct parting){.before = *r, .pair.r = {&parting->before, r}};
    size_t i = 0;
    while (i < r->checkpoint_count && position_compare(&r->checkpoint[i].at, good) != POSITION_AHEAD) i++;
    parting->before.checkpoint_count = i;
    if (i == r->checkpoint_count) return PAIR_SAME;
    if (!pair_open(p, wish, error, size)) return PAIR_FAILED;
    for (; i < r->checkpoint_count && found == PAIR_SAME; i++) {
        if (r->checkpoint[i].forgotten) continue;
        *step = r->checkpoint[i].at.steps;
        found = differ_at(p, &r->checkpoint[i].at, &wrong);
    }
    if (found == PAIR_FAILED) snprintf(error, size, "%s", wrong);
    return found;
}

void parting_close(struct parting *parting) { pair_close(&parting->pair); }

// --- telling ---

struct teller {
    unsigned most;
    void (*tell)(void *, const struct pair_value *);
    void *context;
    uint64_t count;
};

static uint64_t element(const struct state_field *f, const void *object, uint32_t index) {
    uint64_t value = 0;
    memcpy(&value, (const char *)object + f->offset + (size_t)index * f->stride, f->width);
    return value;
}

static void tell_part(struct teller *t, const struct machine_part *a, const struct machine_part *b, unsigned nth) {
    unsigned told = 0;
    for (uint32_t i = 0; i < a->table->count; i++) {
        const struct state_field *f = &a->table->fields[i];
        for (uint32_t n = 0; n < f->count; n++) {
            const struct pair_value v = {.part = a->name,
                                         .field = f->name,
                                         .nth = nth,
                                         .index = n,
                                         .elements = f->count,
                                         .value = {element(f, a->object, n), element(f, b->object, n)}};
            if (v.value[0] == v.value[1]) continue;
            t->count++;
            if (told++ < t->most) t->tell(t->context, &v);
        }
    }
}

static void tell_parts(struct teller *t, struct recording_pair *p) {
    struct machine_part a, b, other;
    for (unsigned i = 0; machine_part(p->m[0], i, &a) && machine_part(p->m[1], i, &b); i++) {
        unsigned nth = 0;
        for (unsigned k = 0; k < i; k++) nth += machine_part(p->m[0], k, &other) && other.table == a.table;
        if (a.object && b.object && a.table == b.table) tell_part(t, &a, &b, nth);
    }
}

// The first 8 bytes that differ in an area, and how many pages do.
static void tell_area(struct teller *t, const struct area *a, const struct area *b) {
    uint64_t bytes = a->bytes < b->bytes ? a->bytes : b->bytes;
    bool told = false;
    for (uint64_t at = 0; at < bytes; at += PAGE_BYTES) {
        if (memcmp(a->data + at, b->data + at, PAGE_BYTES) == 0) continue;
        t->count++;
        for (uint64_t i = at; i < at + PAGE_BYTES && !told; i += 8) {
            struct pair_value v = {.part = a->name, .field = "", .index = a->base + i};
            memcpy(&v.value[0], a->data + i, 8);
            memcpy(&v.value[1], b->data + i, 8);
            told = v.value[0] != v.value[1];
            if (told) t->tell(t->context, &v);
        }
    }
}

uint64_t pair_tell(struct recording_pair *p, unsigned most, void (*tell)(void *, const struct pair_value *),
                   void *context) {
    struct teller t = {.most = most, .tell = tell, .context = context};
    struct area a, b;
    tell_parts(&t, p);
    for (unsigned i = 0; machine_area(p->m[0], i, &a) && machine_area(p->m[1], i, &b); i++) tell_area(&t, &a, &b);
    return t.count;
}
