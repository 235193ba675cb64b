// Kept pages; see page_list.h.
#include "devices/history/page_list.h"
#include "devices/snapshot/packer.h"
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 64,
    ALLOCATOR_COST = 16,
    PAGE_COST = PAGE_BYTES + ALLOCATOR_COST,
    WORTH = PAGE_BYTES * 3 / 4,
    GAPS = 16, // one part in so many
};

static bool grow(struct page_list *l, size_t count) {
    if (count <= l->capacity) return true;
    size_t capacity = l->capacity ? l->capacity : FIRST_CAPACITY;
    while (capacity < count) capacity *= 2;
    struct kept_page *kept = realloc(l->kept, capacity * sizeof *kept);
    if (!kept) return false;
    l->kept = kept;
    l->bytes += (capacity - l->capacity) * sizeof *kept;
    l->capacity = capacity;
    return true;
}

static bool is_zero(const uint8_t *bytes) { return !bytes[0] && !memcmp(bytes, bytes + 1, PAGE_BYTES - 1); }

// A copy, NULL for zeroes. False: memory is short.
static bool copy_page(const uint8_t *from, uint8_t **copy) {
    *copy = NULL;
    if (!from || is_zero(from)) return true;
    *copy = malloc(PAGE_BYTES);
    if (*copy) memcpy(*copy, from, PAGE_BYTES);
    return *copy;
}

bool page_list_add(struct page_list *l, uint32_t area, uint64_t page, const uint8_t *bytes) {
    uint8_t *copy;
    if (!grow(l, l->count + 1) || !copy_page(bytes, &copy)) return false;
    l->kept[l->count++] = (struct kept_page){.area = area, .page = page, .bytes = copy};
    if (copy) l->bytes += PAGE_COST;
    l->packed = false;
    return true;
}

// --- packing ---

// What is packed has many sizes, and the allocator leaves gaps between them.
static size_t packed_cost(size_t packed) { return packed + ALLOCATOR_COST + packed / GAPS; }

size_t page_list_cost(const struct kept_page *k) {
    return !k->bytes ? 0 : k->packed ? packed_cost(k->packed) : PAGE_COST;
}

static void pack_page(struct page_list *l, struct kept_page *k) {
    uint8_t packed[WORTH];
    size_t bytes = l->packer->pack(l->packer->context, packed, sizeof packed, k->bytes, PAGE_BYTES);
    uint8_t *smaller = bytes ? malloc(bytes) : NULL;
    if (!smaller) return;
    memcpy(smaller, packed, bytes);
    free(k->bytes);
    l->bytes -= PAGE_COST - packed_cost(bytes);
    k->bytes = smaller;
    k->packed = (uint32_t)bytes;
}

void page_list_pack(struct page_list *l, const struct packer *packer) {
    l->packer = packer;
    l->packed = true;
    for (size_t i = 0; i < l->count; i++)
        if (l->kept[i].bytes && !l->kept[i].packed) pack_page(l, &l->kept[i]);
}

// False: memory is short, and it is as before.
static bool unpack_page(struct page_list *l, struct kept_page *k) {
    if (!k->packed) return true;
    uint8_t *whole = malloc(PAGE_BYTES);
    if (!whole || !l->packer->unpack(l->packer->context, whole, PAGE_BYTES, k->bytes, k->packed)) {
        free(whole);
        return false;
    }
    l->bytes += PAGE_COST - page_list_cost(k);
    free(k->bytes);
    k->bytes = whole;
    k->packed = 0;
    l->packed = false;
    return true;
}

bool page_list_copy(const struct page_list *l, const struct kept_page *k, uint8_t out[PAGE_BYTES]) {
    if (k->packed) return l->packer->unpack(l->packer->context, out, PAGE_BYTES, k->bytes, k->packed);
    if (k->bytes)
        memcpy(out, k->bytes, PAGE_BYTES);
    else
        memset(out, 0, PAGE_BYTES);
    return true;
}

// --- all of it ---

static int compare(const void *a, const void *b) {
    const struct kept_page *left = a, *right = b;
    if (left->area != right->area) return left->area < right->area ? -1 : 1;
    return left->page < right->page ? -1 : left->page > right->page;
}

bool page_list_merge(struct page_list *l, struct page_list *other) {
    if (!grow(l, l->count + other->count)) return false;
    size_t own = l->count;
    if (own) qsort(l->kept, own, sizeof *l->kept, compare);
    for (size_t i = 0; i < other->count; i++) {
        struct kept_page *k = &other->kept[i];
        if (own && bsearch(k, l->kept, own, sizeof *k, compare)) continue;
        l->kept[l->count++] = *k;
        l->bytes += page_list_cost(k);
        k->bytes = NULL;
    }
    if (other->packer) l->packer = other->packer;
    l->packed &= other->packed;
    page_list_free(other);
    return true;
}

bool page_list_find(struct page_list *l, uint32_t area, uint64_t page, const uint8_t **bytes) {
    for (size_t i = 0; i < l->count; i++) {
        if (l->kept[i].page != page || l->kept[i].area != area) continue;
        bool whole = unpack_page(l, &l->kept[i]);
        if (whole) *bytes = l->kept[i].bytes;
        return whole;
    }
    return false;
}

void page_list_free(struct page_list *l) {
    for (size_t i = 0; i < l->count; i++) free(l->kept[i].bytes);
    free(l->kept);
    *l = (struct page_list){0};
}
