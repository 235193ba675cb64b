// The hash of memory, kept up to date from the pages that were stored to: a sum over pages of a hash of area, number
// and content. Pages of zeros count nothing, so it does not matter whether they were ever touched. Derived.
#ifndef DEVICES_PAGE_HASH_H
#define DEVICES_PAGE_HASH_H
#include "cpu/pages/pages.h"

struct page_hash {
    struct page_watcher watcher; // its marks say which pages were stored to since the sum was worked out
    struct pages *pages;
    uint64_t *page[PAGES_AREAS]; // what each page of an area counts in the sum; 0: it is all zero
    uint64_t sum;
};

bool page_hash_init(struct page_hash *hash, struct pages *pages); // the areas are there, and all zero; false: no memory
bool page_hash_join(struct page_hash *hash, unsigned area);       // one more, all zero; false: no memory
void page_hash_free(struct page_hash *hash);
// Takes time in proportion to the pages stored to since the last call. Between instructions only.
uint64_t page_hash_sum(struct page_hash *hash);
// Whether it is known, without a look at it, that a page is all zero: it was, and nothing was stored to it since.
static inline bool page_hash_knows_zero(const struct page_hash *h, const struct area *area, uint64_t page) {
    return !(area->told[page] & BIT(h->watcher.slot)) && !h->page[area - h->pages->area][page];
}
// Whether a page was all zero when the sum was last worked out.
bool page_hash_is_zero(const struct page_hash *hash, unsigned area, uint64_t page);

#endif
