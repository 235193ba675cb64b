// The hash of memory; see page_hash.h.
#include "devices/bus/page_hash.h"
#include "cpu/state/state.h"
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum { FLAGS_AT_ONCE = 8 };

static void nothing(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    (void)context, (void)area, (void)page, (void)old;
}

bool page_hash_join(struct page_hash *h, unsigned i) {
    return (h->page[i] = calloc(h->pages->area[i].bytes / PAGE_BYTES, sizeof *h->page[i]));
}

bool page_hash_init(struct page_hash *h, struct pages *pages) {
    *h = (struct page_hash){.pages = pages, .watcher = {.before_first_store = nothing}};
    for (unsigned i = 0; i < pages->areas; i++)
        if (!page_hash_join(h, i)) return false;
    return pages_watch(pages, &h->watcher);
}

void page_hash_free(struct page_hash *h) {
    for (unsigned i = 0; i < PAGES_AREAS; i++) free(h->page[i]);
}

static bool is_zero(const uint8_t *page) {
    uint64_t first;
    memcpy(&first, page, sizeof first);
    return first == 0 && memcmp(page, page + sizeof first, PAGE_BYTES - sizeof first) == 0;
}

static uint64_t hash_of(const struct area *area, uint64_t name, uint64_t page) {
    const uint8_t *data = area->data + page * PAGE_BYTES;
    if (is_zero(data)) return 0;
    uint64_t hash = XXH3_64bits_withSeed(data, PAGE_BYTES, name + page);
    return hash ? hash : 1;
}

static void look_at(struct page_hash *h, unsigned i, uint64_t name, uint64_t page) {
    uint64_t now = hash_of(&h->pages->area[i], name, page);
    h->sum += now - h->page[i][page];
    h->page[i][page] = now;
}

// Pages are few beside those that nothing stored to: eight of them are passed over at a time.
static void look_at_area(struct page_hash *h, unsigned i) {
    const struct area *area = &h->pages->area[i];
    uint64_t name = state_name_hash(area->name), pages = area->bytes / PAGE_BYTES, some;
    for (uint64_t page = area_next_stored(area, 0); page < pages; page = area_next_stored(area, page + 1)) {
        if (page % FLAGS_AT_ONCE == 0 && page + FLAGS_AT_ONCE <= pages) {
            memcpy(&some, area->told + page, sizeof some);
            if (!some) {
                page += FLAGS_AT_ONCE - 1;
                continue;
            }
        }
        if (area->told[page] & BIT(h->watcher.slot)) look_at(h, i, name, page);
    }
}

uint64_t page_hash_sum(struct page_hash *h) {
    for (unsigned i = 0; i < h->pages->areas; i++) look_at_area(h, i);
    pages_mark(h->pages, &h->watcher);
    return h->sum;
}

bool page_hash_is_zero(const struct page_hash *h, unsigned area, uint64_t page) { return !h->page[area][page]; }
