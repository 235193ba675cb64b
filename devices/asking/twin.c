// Machines that go through a part of another one's past; see twin.h.
//
// What the other timeline has is read and not changed: pages and images that are packed are unpacked into copies.
#include "devices/asking/twin.h"
#include "cpu/state/state.h"
#include "devices/snapshot/machine_image.h"
#include "devices/snapshot/packer.h"
#include <stdlib.h>
#include <string.h>

// --- memory ---

// Which pages have their content already, a byte a page.
struct filling {
    const struct pages *from;
    struct pages *to;
    uint8_t *has[PAGES_AREAS];
};

static bool filling_begin(struct filling *f) {
    for (unsigned i = 0; i < f->from->areas; i++)
        if (!(f->has[i] = calloc(f->from->area[i].bytes / PAGE_BYTES, 1))) return false;
    return true;
}
static void filling_end(struct filling *f) {
    for (unsigned i = 0; i < f->from->areas; i++) free(f->has[i]);
}

static uint8_t *page_to_fill(struct filling *f, unsigned area, uint64_t page) {
    struct page_frame frame = {&f->to->area[area], page};
    (void)page_store(f->to, frame, 0, PAGE_BYTES);
    return frame_data(frame);
}

static bool fill_from_list(struct filling *f, const struct page_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct kept_page *k = &list->kept[i];
        if (f->has[k->area][k->page]) continue;
        f->has[k->area][k->page] = 1;
        if (!page_list_copy(list, k, page_to_fill(f, k->area, k->page))) return false;
    }
    return true;
}

// Of each page the content that the list nearest to the checkpoint has; else it is as it was at the base.
static bool fill_from_lists(struct filling *f, const struct timeline *t, unsigned index) {
    for (unsigned i = index; i < t->base; i++)
        if (!fill_from_list(f, &t->checkpoint[i].pages)) return false;
    for (unsigned i = index; i > t->base; i--)
        if (!fill_from_list(f, &t->checkpoint[i - 1].pages)) return false;
    return fill_from_list(f, &t->present);
}

static void fill_the_rest(struct filling *f, struct machine *m) {
    for (unsigned i = 0; i < f->from->areas; i++) {
        const struct area *area = &f->from->area[i];
        for (uint64_t page = area_next_stored(area, 0); page < area->bytes / PAGE_BYTES;
             page = area_next_stored(area, page + 1)) {
            const uint8_t *from = area->data + page * PAGE_BYTES;
            if (f->has[i][page] || page_hash_knows_zero(&m->memory.hash, area, page)) continue;
            if (memcmp(f->to->area[i].data + page * PAGE_BYTES, from, PAGE_BYTES) == 0) continue;
            memcpy(page_to_fill(f, i, page), from, PAGE_BYTES);
        }
    }
}

static void clear(struct pages *pages, const struct machine *m) {
    for (unsigned i = 0; i < pages->areas; i++) {
        struct area *area = &pages->area[i];
        for (uint64_t page = area_next_stored(area, 0); page < area->bytes / PAGE_BYTES;
             page = area_next_stored(area, page + 1)) {
            if (page_hash_knows_zero(&m->memory.hash, area, page)) continue;
            struct page_frame frame = {area, page};
            (void)page_store(pages, frame, 0, PAGE_BYTES);
            memset(frame_data(frame), 0, PAGE_BYTES);
        }
    }
}

static bool same_areas(const struct pages *a, const struct pages *b) {
    bool same = a->areas == b->areas;
    for (unsigned i = 0; same && i < a->areas; i++)
        same = a->area[i].bytes == b->area[i].bytes && a->area[i].base == b->area[i].base;
    return same;
}

static bool fill(struct machine *to, const struct timeline *t, unsigned index) {
    struct filling f = {.from = t->pages, .to = machine_pages(to)};
    if (!same_areas(f.from, f.to)) return false;
    clear(f.to, to);
    bool filled = filling_begin(&f) && fill_from_lists(&f, t, index);
    if (filled) fill_the_rest(&f, t->m);
    filling_end(&f);
    return filled;
}

// --- state ---

// An image ends with what front ends added, whom the twin does not have.
static size_t added_bytes(struct machine *m) {
    struct machine_walk walk = {0};
    struct machine_piece piece;
    size_t bytes = 0;
    while (machine_piece(m, &walk, &piece))
        if (piece.kind == PIECE_ONLOOKER) bytes += state_size(piece.part.table);
    return bytes;
}

static bool load(struct machine *m, const struct timeline *t, unsigned index) {
    size_t bytes = machine_image_size(m) - machine_image_timing(m) + added_bytes(t->m);
    if (bytes != t->image_bytes) return false; // of a timing model that is not the configuration's
    const struct checkpoint *c = &t->checkpoint[index];
    uint8_t *whole = c->image_packed ? malloc(c->image_bytes) : c->image;
    bool good = whole && (!c->image_packed ||
                          t->packer->unpack(t->packer->context, whole, c->image_bytes, c->image, c->image_packed));
    good = good && !machine_image_load(m, whole);
    if (c->image_packed) free(whole);
    return good;
}

static bool expect(struct timeline *twin, const struct timeline *t, size_t taken) {
    const struct input_list coming = {.input = t->inputs.input + taken, .count = t->inputs.count - taken};
    return timeline_expect(twin, &coming, timeline_end(t));
}

// The same configuration; what it sends goes nowhere.
static struct machine *make(const struct machine *m) {
    struct machine_config config = m->config;
    char error[200];
    memset(config.serial, 0, sizeof config.serial);
    config.debug_console = (struct character_back){0};
    struct machine *twin = machine_new(&config, error, sizeof error);
    if (twin) twin->boot = m->boot; // for resets to come
    return twin;
}

static unsigned checkpoint_before(const struct timeline *t, uint64_t step) {
    unsigned i = t->count - 1;
    while (i && t->checkpoint[i].at.steps >= step) i--;
    return i;
}

uint64_t twin_begins(const struct timeline *t, uint64_t step) {
    return t->checkpoint[checkpoint_before(t, step)].at.steps;
}

bool twin_make(const struct timeline *t, uint64_t step, uint64_t bytes, struct twin *out) {
    unsigned index = checkpoint_before(t, step);
    const struct checkpoint *c = &t->checkpoint[index];
    *out = (struct twin){.first = c->at.steps, .forgotten = c->inputs, .machine = make(t->m)};
    if (out->machine && fill(out->machine, t, index) && load(out->machine, t, index) &&
        (out->timeline = timeline_new(out->machine, bytes)) && expect(out->timeline, t, c->inputs))
        return true;
    twin_free(out);
    return false;
}

void twin_free(struct twin *twin) {
    timeline_free(twin->timeline);
    if (twin->machine) machine_free(twin->machine);
    *twin = (struct twin){0};
}
