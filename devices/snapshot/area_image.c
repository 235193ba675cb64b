// Memory as frames; see area_image.h.
//
// AREA   name, 8 bytes: base, 8 bytes: number of pages
// PAGE   4 bytes: number of the area, 4 bytes: how many pages, 8 bytes of number for each, their contents
#include "devices/snapshot/area_image.h"
#include "devices/machine/machine_private.h"
#include <string.h>

enum { PAGES_AT_ONCE = 64 };

// --- writing ---

void area_image_put_pages(struct frame_writer *w, const struct machine *m, unsigned number, const uint64_t *page,
                          unsigned count) {
    const struct area *area = &m->memory.pages.area[number];
    if (!count) return;
    frame_begin(w, FRAME_PAGE);
    frame_put_number(w, number, 4);
    frame_put_number(w, count, 4);
    frame_put(w, page, count * sizeof *page);
    for (unsigned i = 0; i < count; i++) frame_put(w, area->data + page[i] * PAGE_BYTES, PAGE_BYTES);
    frame_end(w);
}

static void put_area(struct frame_writer *w, const struct machine *m, unsigned number) {
    const struct area *area = &m->memory.pages.area[number];
    uint64_t page[PAGES_AT_ONCE];
    unsigned count = 0;
    uint64_t pages = area->bytes / PAGE_BYTES;
    for (uint64_t i = area_next_stored(area, 0); i < pages && !w->wrong; i = area_next_stored(area, i + 1)) {
        if (page_hash_is_zero(&m->memory.hash, number, i)) continue;
        page[count++] = i;
        if (count < PAGES_AT_ONCE) continue;
        area_image_put_pages(w, m, number, page, count);
        count = 0;
    }
    area_image_put_pages(w, m, number, page, count);
}

bool area_image_put(struct frame_writer *w, struct machine *m) {
    const struct pages *pages = &m->memory.pages;
    (void)page_hash_sum(&m->memory.hash); // knows afterwards which pages are zero
    for (unsigned i = 0; i < pages->areas; i++) {
        frame_begin(w, FRAME_AREA);
        frame_put_text(w, pages->area[i].name);
        frame_put_number(w, pages->area[i].base, 8);
        frame_put_number(w, pages->area[i].bytes / PAGE_BYTES, 8);
        frame_end(w);
    }
    for (unsigned i = 0; i < pages->areas; i++) put_area(w, m, i);
    frame_begin(w, FRAME_DONE);
    return frame_end(w);
}

// --- reading ---

// How far the memory is what was read: all before this page.
struct reached {
    struct machine *m;
    unsigned area;
    uint64_t page;
};

static void store(struct reached *at, const uint8_t *bytes) {
    struct pages *pages = &at->m->memory.pages;
    struct page_frame frame = {&pages->area[at->area], at->page};
    (void)page_store(pages, frame, 0, PAGE_BYTES);
    if (bytes)
        memcpy(frame_data(frame), bytes, PAGE_BYTES);
    else
        memset(frame_data(frame), 0, PAGE_BYTES);
}

// True: before the area's end.
static bool zero_area_until(struct reached *at, uint64_t page) {
    const struct memory *memory = &at->m->memory;
    const struct area *area = &memory->pages.area[at->area];
    uint64_t pages = area->bytes / PAGE_BYTES, end = page < pages ? page : pages;
    for (uint64_t p = area_next_stored(area, at->page); p < end; p = area_next_stored(area, p + 1)) {
        at->page = p;
        if (!page_hash_is_zero(&memory->hash, at->area, p)) store(at, NULL);
    }
    at->page = end;
    return end < pages;
}

// What was passed over is zero.
static void zero_until(struct reached *at, unsigned area, uint64_t page) {
    for (; at->area < at->m->memory.pages.areas; at->area++, at->page = 0)
        if (zero_area_until(at, at->area == area ? page : UINT64_MAX) && at->area == area) return;
}

static bool take_area(struct frame_reader *r, const struct area *area) {
    char name[FRAME_TEXT];
    if (!frame_expect(r, FRAME_AREA) || !frame_take_text(r, name)) return false;
    uint64_t base = frame_take_number(r, 8), count = frame_take_number(r, 8);
    if (!frame_done(r)) return false;
    if (!strcmp(name, area->name) && base == area->base && count == area->bytes / PAGE_BYTES) return true;
    return frame_fail(r, "memory %.60s has %llu pages from %#llx, and this machine %s %llu from %#llx", name,
                      (unsigned long long)count, (unsigned long long)base, area->name,
                      (unsigned long long)(area->bytes / PAGE_BYTES), (unsigned long long)area->base);
}

static bool take_page(struct frame_reader *r, struct reached *at, uint64_t area, uint64_t page, const uint8_t *bytes) {
    const struct pages *pages = &at->m->memory.pages;
    if (area >= pages->areas || page >= pages->area[area].bytes / PAGE_BYTES)
        return frame_fail(r, "there is no page %llu of memory %llu", (unsigned long long)page,
                          (unsigned long long)area);
    if (area < at->area || (area == at->area && page < at->page))
        return frame_fail(r, "page %llu of memory %llu is out of order", (unsigned long long)page,
                          (unsigned long long)area);
    zero_until(at, (unsigned)area, page);
    store(at, bytes);
    at->page++;
    return true;
}

static bool take_pages(struct frame_reader *r, struct reached *at) {
    uint64_t area = frame_take_number(r, 4), count = frame_take_number(r, 4), page;
    if (!*r->wrong && count > FRAME_MOST / PAGE_BYTES) return frame_fail(r, "it has too many pages");
    const uint8_t *numbers = frame_take(r, count * sizeof page), *bytes = frame_take(r, count * PAGE_BYTES);
    for (uint64_t i = 0; numbers && bytes && i < count; i++) {
        memcpy(&page, numbers + i * sizeof page, sizeof page);
        if (!take_page(r, at, area, page, bytes + i * PAGE_BYTES)) return false;
    }
    return frame_done(r);
}

bool area_image_take(struct frame_reader *r, struct machine *m) {
    struct reached at = {.m = m};
    const struct pages *pages = &m->memory.pages;
    for (unsigned i = 0; i < pages->areas; i++)
        if (!take_area(r, &pages->area[i])) return false;
    (void)page_hash_sum(&m->memory.hash);
    while (frame_next(r) && r->kind == FRAME_PAGE)
        if (!take_pages(r, &at)) return false;
    if (*r->wrong) return false;
    if (r->ended || r->kind != FRAME_DONE) return frame_fail(r, "pages should stand here");
    zero_until(&at, UINT32_MAX, 0);
    return frame_done(r);
}
