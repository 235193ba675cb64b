// Contents of pages as they were at some moment: what a span of a run has changed. Pages of zeroes take no room.
#ifndef DEVICES_HISTORY_PAGE_LIST_H
#define DEVICES_HISTORY_PAGE_LIST_H
#include "cpu/pages/pages.h"
#include <stddef.h>

struct packer;
struct kept_page {
    uint32_t area;   // number in struct pages
    uint32_t packed; // how many bytes it takes; 0: it is not packed
    uint64_t page;   // in the area
    uint8_t *bytes;  // NULL: zeroes
};
struct page_list {
    const struct packer *packer; // that packed some of it; NULL: none is
    struct kept_page *kept;
    size_t count, capacity;
    size_t bytes; // of the host's memory
    bool packed;  // all are that become smaller by it
};

// `bytes` is NULL: zeroes. False: memory is short, and nothing was added.
bool page_list_add(struct page_list *list, uint32_t area, uint64_t page, const uint8_t *bytes);
// Each page takes the content that the list has, and the list the page's; then the next list; the first one is empty
// afterwards. The door of stores is passed. False: memory is short, and nothing has changed. (page_move.c)
bool page_lists_move(struct page_list *const *list, unsigned count, struct pages *pages);
size_t page_list_cost(const struct kept_page *kept); // bytes of the host's memory for its content
// Adds the pages of `other` that the list does not have; `other` is empty afterwards.
bool page_list_merge(struct page_list *list, struct page_list *other);
// Whether the list has the page; then its content, NULL for zeroes. One that is looked at is unpacked.
bool page_list_find(struct page_list *list, uint32_t area, uint64_t page, const uint8_t **bytes);
// The content of one of its pages; nothing is unpacked for it, and several may copy at once. False: memory is short.
bool page_list_copy(const struct page_list *list, const struct kept_page *kept, uint8_t out[PAGE_BYTES]);
// Packs each page that becomes smaller by it (devices/snapshot/packer.h); each alone, so that lists can be merged and a
// page looked at as they are. All else unpacks what it needs.
void page_list_pack(struct page_list *list, const struct packer *packer);
void page_list_free(struct page_list *list); // it is empty afterwards

#endif
