// Checkpoints, and the room that they take; see timeline_private.h.
#include "devices/history/timeline_private.h"
#include "devices/snapshot/machine_image.h"
#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_STEPS = 100000000, // between two checkpoints
    PAGE_STEPS = 2400, // what copying a page costs, in steps: with the slow store that tells of it, and the memory
    IMAGE_PAGES = 100, // what a checkpoint costs without pages, in pages
    PACK_STEPS = 3000, // and packing it later, where that has begun
    SHARE = 50,        // one part in so many of the steps may be spent on checkpoints
};

// --- room ---

uint64_t timeline_bytes_used(const struct timeline *t) {
    uint64_t bytes = t->present.bytes + t->inputs.bytes + t->capacity * sizeof *t->checkpoint;
    for (unsigned i = 0; i < t->lines; i++) bytes += t->line[i].inputs.bytes;
    for (const struct checkpoint *c = t->checkpoint; c < t->checkpoint + t->count; c++)
        bytes += c->pages.bytes + (c->image_packed ? c->image_packed : c->image_bytes);
    return bytes;
}

void checkpoint_free(struct checkpoint *c) {
    free(c->image);
    page_list_free(&c->pages);
}

static void close_gap(struct timeline *t, unsigned index) {
    t->count--;
    memmove(&t->checkpoint[index], &t->checkpoint[index + 1], (t->count - index) * sizeof *t->checkpoint);
    if (t->base > index) t->base--;
}

// Two intervals become one. Neither the first, the last, nor the base.
static bool give_up(struct timeline *t, unsigned index) {
    struct page_list *before = &t->checkpoint[index - 1].pages, *after = &t->checkpoint[index].pages;
    bool forward = index > t->base;
    if (!page_list_merge(forward ? after : before, forward ? before : after)) return false;
    if (forward) *before = *after;
    *after = (struct page_list){0};
    checkpoint_free(&t->checkpoint[index]);
    close_gap(t, index);
    return true;
}

// The checkpoint whose two intervals are the shortest together; 0: none can go.
static unsigned dispensable(const struct timeline *t) {
    unsigned best = 0;
    uint64_t shortest = ~0ull;
    for (unsigned i = 1; i + 1 < t->count; i++) {
        uint64_t span = t->checkpoint[i + 1].at.steps - t->checkpoint[i - 1].at.steps;
        if (i == t->base || span >= shortest) continue;
        best = i, shortest = span;
    }
    return best;
}

// Those of the oldest interval that has some that are not, and is not the present one's neighbour. False: there is
// none.
static void pack_image(struct timeline *t, struct checkpoint *c) {
    uint8_t *packed = c->image_packed ? NULL : malloc(c->image_bytes);
    size_t bytes =
        packed ? t->packer->pack(t->packer->context, packed, c->image_bytes - 1, c->image, c->image_bytes) : 0;
    uint8_t *smaller = bytes ? realloc(packed, bytes) : NULL;
    if (!smaller) {
        free(packed);
        return;
    }
    free(c->image);
    c->image = smaller;
    c->image_packed = bytes;
}

const uint8_t *checkpoint_image(struct timeline *t, unsigned index) {
    struct checkpoint *c = &t->checkpoint[index];
    if (!c->image_packed) return c->image;
    uint8_t *whole = malloc(c->image_bytes);
    if (!whole || !t->packer->unpack(t->packer->context, whole, c->image_bytes, c->image, c->image_packed)) {
        free(whole);
        return NULL;
    }
    free(c->image);
    c->image = whole;
    c->image_packed = 0;
    c->pages.packed = false; // it is worth another look
    return whole;
}

// Of the oldest that has something to pack and is not the present one's neighbour. False: there is none.
static bool pack_one(struct timeline *t) {
    for (unsigned i = 0; t->packer && i + 1 < t->count; i++) {
        struct page_list *pages = &t->checkpoint[i].pages;
        if (pages->packed || i + 1 == t->base || i == t->base) continue;
        pack_image(t, &t->checkpoint[i]);
        page_list_pack(pages, t->packer);
        return t->packs = true;
    }
    return false;
}

// Old pages are packed; then checkpoints are given up evenly; when too few would be left, the past begins later.
static void make_room(struct timeline *t) {
    enum { FEWEST = 8 };
    while (timeline_bytes_used(t) > t->budget && pack_one(t)) continue;
    while (timeline_bytes_used(t) > t->budget && t->count > 2) {
        unsigned index = t->count > FEWEST ? dispensable(t) : 0;
        if (index && give_up(t, index)) continue;
        if (t->base == 0) return;
        checkpoint_free(&t->checkpoint[0]);
        close_gap(t, 0);
    }
}

// While one goes about in the past up to a quarter more is used, and nothing is packed: that takes longer than the way.
// Checkpoints that earlier ways left make room for those of this one.
bool timeline_has_room_on_the_way(struct timeline *t) {
    enum { MORE = 4 };
    while (timeline_bytes_used(t) + t->present.bytes + t->image_bytes > t->budget + t->budget / MORE) {
        unsigned i = dispensable(t);
        bool dense = i && t->checkpoint[i + 1].at.steps - t->checkpoint[i - 1].at.steps <= 2 * DENSE_STEPS;
        if (!dense || !give_up(t, i)) return false;
    }
    return true;
}

// --- checkpoints ---

static bool grow(struct timeline *t) {
    if (t->count < t->capacity) return true;
    unsigned capacity = t->capacity ? 2 * t->capacity : 64;
    struct checkpoint *all = realloc(t->checkpoint, capacity * sizeof *all);
    if (!all) return false;
    t->checkpoint = all;
    t->capacity = capacity;
    return true;
}

// A follower that has come or gone since makes other images, and so does a timing model that is not the
// configuration's: no checkpoint fits any more.
static size_t image_bytes(const struct timeline *t) { return machine_image_size(t->m) - machine_image_timing(t->m); }
bool timeline_fits(const struct timeline *t) { return image_bytes(t) == t->image_bytes; }

static bool take_image(struct timeline *t, struct checkpoint *c) {
    c->image_bytes = machine_image_size(t->m);
    c->image = malloc(c->image_bytes);
    if (c->image) machine_image_save(t->m, c->image);
    return c->image;
}

// The present becomes the checkpoint after `base`, and the new base. What lay behind it is now behind the new one.
bool timeline_checkpoint_here(struct timeline *t) {
    struct checkpoint c = {.inputs = timeline_inputs_taken(t)};
    unsigned at = t->count ? t->base + 1 : 0;
    machine_position(t->m, &c.at);
    if (!t->count) t->image_bytes = image_bytes(t);
    if (!timeline_fits(t) || !grow(t) || !take_image(t, &c)) return false;
    if (at) {
        c.pages = t->checkpoint[t->base].pages;
        t->checkpoint[t->base].pages = t->present;
        t->present = (struct page_list){0};
    }
    memmove(&t->checkpoint[at + 1], &t->checkpoint[at], (t->count - at) * sizeof c);
    t->checkpoint[at] = c;
    t->count++;
    t->base = at;
    pages_mark(t->pages, &t->watcher);
    if (!t->in_past) make_room(t);
    return true;
}

bool timeline_known(struct timeline *t, const struct position *at, uint64_t inputs, struct page_list *pages) {
    struct checkpoint c = {.at = *at, .inputs = inputs};
    if (!t->count || !timeline_fits(t) || !grow(t) || !take_image(t, &c)) return false;
    t->checkpoint[t->count - 1].pages = *pages;
    *pages = (struct page_list){0};
    t->checkpoint[t->count++] = c;
    return true;
}

const char *timeline_known_end(struct timeline *t) {
    const uint8_t *image = checkpoint_image(t, 0);
    const char *wrong = image ? machine_image_load(t->m, image) : "memory";
    make_room(t);
    if (t->count > 1) timeline_go_into_past(t, 0);
    return wrong;
}

static bool is_kept(const struct timeline *t) {
    struct position now;
    machine_position(t->m, &now);
    const struct checkpoint *c = t->count ? &t->checkpoint[t->base] : NULL;
    return c && position_same(&now, &c->at) && c->inputs == timeline_inputs_taken(t) && timeline_fits(t);
}

bool timeline_keep(struct timeline *t) { return !t->failed && (is_kept(t) || timeline_checkpoint_here(t)); }

void timeline_forget(struct timeline *t) {
    for (unsigned i = 0; i < t->count; i++) checkpoint_free(&t->checkpoint[i]);
    page_list_free(&t->present);
    timeline_forget_lines(t);
    t->count = t->base = 0;
    t->failed = t->inputs.failed = false;
    if (t->expecting) return;
    t->forgotten += t->inputs.count;
    input_list_cut(&t->inputs, 0);
}

bool timeline_begin_anew(struct timeline *t) {
    size_t inputs = timeline_inputs_taken(t);
    timeline_forget(t);
    timeline_go_live(t, inputs);
    t->failed = timeline_keeps(t) && !timeline_checkpoint_here(t);
    return !t->failed;
}

// When memory was short, something is missing.
void timeline_look_after_failure(struct timeline *t) {
    if (t->failed || t->inputs.failed) (void)timeline_begin_anew(t);
}

bool timeline_due(const struct timeline *t) {
    if (!timeline_keeps(t)) return false;
    uint64_t since = machine_steps(t->m) - t->checkpoint[t->base].at.steps;
    uint64_t price = PAGE_STEPS + (t->packs ? PACK_STEPS : 0);
    uint64_t cost = (t->present.count + IMAGE_PAGES) * price * SHARE;
    return since >= LONGEST_STEPS || since >= cost;
}
