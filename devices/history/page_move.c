// Moving over several intervals at once; see page_list.h. What lies between is handed from list to list as it is,
// packed or not: only what the memory has, and what it gets, is copied. Everything that can fail is done before
// anything changes.
#include "devices/history/page_list.h"
#include "devices/snapshot/packer.h"
#include <stdlib.h>
#include <string.h>

// A page that some of the lists have.
struct moved {
    const struct kept_page *first, *last; // in the order of the lists: in the last one is what the memory gets
    const struct page_list *last_list;
    uint8_t *whole;         // that, if it is packed there
    struct kept_page holds; // on the way: what the next list gets
};
struct moving {
    struct moved *page;
    size_t count, slots; // slots: a power of two
    uint32_t *slot;      // number of the page + 1; 0: free
    struct pages *pages;
};

static uint8_t *data_of(const struct moving *m, const struct kept_page *k) {
    return frame_data((struct page_frame){&m->pages->area[k->area], k->page});
}

static bool is_zero(const uint8_t *bytes) { return !bytes[0] && !memcmp(bytes, bytes + 1, PAGE_BYTES - 1); }

static bool begin(struct moving *m, struct page_list *const *list, unsigned count) {
    size_t most = 1;
    for (unsigned i = 0; i < count; i++) most += list[i]->count;
    for (m->slots = 16; m->slots < 2 * most;) m->slots *= 2;
    m->page = malloc(most * sizeof *m->page);
    m->slot = calloc(m->slots, sizeof *m->slot);
    return m->page && m->slot && most < UINT32_MAX;
}

static struct moved *find(struct moving *m, const struct kept_page *k) {
    const uint64_t spread = 0x9e3779b97f4a7c15;
    size_t at = (size_t)((k->page + ((uint64_t)k->area << 40)) * spread >> 20) & (m->slots - 1);
    for (;; at = (at + 1) & (m->slots - 1)) {
        if (!m->slot[at]) break;
        struct moved *p = &m->page[m->slot[at] - 1];
        if (p->first->page == k->page && p->first->area == k->area) return p;
    }
    m->page[m->count] = (struct moved){.first = k};
    m->slot[at] = (uint32_t)++m->count;
    return &m->page[m->count - 1];
}

// What the memory has, for the first list that has the page; of one that is dropped nothing is kept.
static bool copy_memory(const struct moving *m, struct moved *p, bool dropped) {
    const uint8_t *data = data_of(m, p->first);
    p->holds = (struct kept_page){.area = p->first->area, .page = p->first->page};
    if (dropped || is_zero(data)) return true;
    p->holds.bytes = malloc(PAGE_BYTES);
    if (p->holds.bytes) memcpy(p->holds.bytes, data, PAGE_BYTES);
    return p->holds.bytes;
}

static bool look(struct moving *m, struct page_list *const *list, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        for (size_t n = 0; n < list[i]->count; n++) {
            const struct kept_page *k = &list[i]->kept[n];
            struct moved *p = find(m, k);
            if (!p->last && !copy_memory(m, p, i == 0)) return false;
            p->last = k;
            p->last_list = list[i];
        }
    for (struct moved *p = m->page; p < m->page + m->count; p++) {
        if (!p->last->packed) continue;
        p->whole = malloc(PAGE_BYTES);
        if (!p->whole || !page_list_copy(p->last_list, p->last, p->whole)) return false;
    }
    return true;
}

static void end(struct moving *m) {
    for (struct moved *p = m->page; m->page && p < m->page + m->count; p++) {
        free(p->whole);
        free(p->holds.bytes);
    }
    free(m->page);
    free(m->slot);
}

// The list takes what comes from the one before it, and hands on what it had.
static void hand_on(struct page_list *l, struct kept_page *k, struct moved *p, const struct packer *packer) {
    struct kept_page had = *k;
    l->bytes -= page_list_cost(k);
    k->bytes = p->holds.bytes;
    k->packed = p->holds.packed;
    l->bytes += page_list_cost(k);
    if (k->packed)
        l->packer = packer;
    else if (k->bytes)
        l->packed = false;
    p->holds = had;
}

static void put(const struct moving *m, struct moved *p) {
    const struct kept_page *k = &p->holds;
    uint8_t *data = data_of(m, k);
    const uint8_t *bytes = p->whole ? p->whole : k->bytes;
    if (!bytes && is_zero(data)) return;
    (void)page_store(m->pages, (struct page_frame){&m->pages->area[k->area], k->page}, 0, PAGE_BYTES);
    if (bytes)
        memcpy(data, bytes, PAGE_BYTES);
    else
        memset(data, 0, PAGE_BYTES);
}

bool page_lists_move(struct page_list *const *list, unsigned count, struct pages *pages) {
    struct moving m = {.pages = pages};
    const struct packer *packer = NULL;
    bool good = begin(&m, list, count) && look(&m, list, count);
    for (unsigned i = 0; good && i < count; i++)
        if (list[i]->packer) packer = list[i]->packer;
    for (unsigned i = 0; good && i < count; i++)
        for (size_t n = 0; n < list[i]->count; n++)
            hand_on(list[i], &list[i]->kept[n], find(&m, &list[i]->kept[n]), packer);
    for (struct moved *p = m.page; good && p < m.page + m.count; p++) put(&m, p);
    end(&m);
    if (good && count) page_list_free(list[0]);
    return good;
}
