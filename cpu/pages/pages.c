// Areas, the door of stores, and watchers; see pages.h.
#include "cpu/pages/pages.h"
#include "cpu/pages/monitor.h"
#include <stdlib.h>
#include <string.h>

// --- areas ---

bool pages_add(struct pages *pages, const struct area *area) {
    if (pages->areas == PAGES_AREAS) return false;
    struct area *a = &pages->area[pages->areas];
    *a = *area;
    a->flags = calloc(1, a->bytes / PAGE_BYTES + 1);
    a->told = calloc(1, a->bytes / PAGE_BYTES + 1);
    a->stored = calloc(a->bytes / PAGE_BYTES / AREA_STRETCH + 1, sizeof *a->stored);
    pages->areas++;
    return a->flags && a->told && a->stored;
}

void pages_free(struct pages *pages) {
    for (unsigned i = 0; i < pages->areas; i++) {
        free(pages->area[i].flags);
        free(pages->area[i].told);
        free(pages->area[i].stored);
    }
    pages->areas = 0;
}

bool pages_join(struct pages *pages, struct cpu *cpu, const struct page_keeper *keeper) {
    if (pages->members == PAGES_MEMBERS) return false;
    pages->member[pages->members++] = cpu;
    pages->keeper = keeper;
    return true;
}

void pages_leave(struct pages *pages, struct cpu *cpu) {
    for (unsigned i = 0; i < pages->members; i++)
        if (pages->member[i] == cpu) pages->member[i--] = pages->member[--pages->members];
}

// Sixteen at a time: a mark goes over the bytes of all pages, of which few have the bit.
static void clear_bits(uint8_t *bytes, uint64_t count, uint8_t bits) {
    const uint64_t each = bits * 0x0101010101010101ull;
    uint64_t i = 0, words[2];
    for (; i + sizeof words <= count; i += sizeof words) {
        memcpy(words, bytes + i, sizeof words);
        if (!((words[0] | words[1]) & each)) continue;
        words[0] &= ~each, words[1] &= ~each;
        memcpy(bytes + i, words, sizeof words);
    }
    for (; i < count; i++) bytes[i] &= (uint8_t)~bits;
}

void pages_clear_flag(struct pages *pages, enum page_flag flag) {
    for (struct area *a = pages->area; a < pages->area + pages->areas; a++)
        clear_bits(a->flags, a->bytes / PAGE_BYTES, (uint8_t)flag);
}

// --- the door ---

static void tell(struct pages *pages, struct page_frame f) {
    uint8_t *told = &f.area->told[f.page], now = *told;
    for (unsigned slot = 0; slot < PAGES_WATCHERS; slot++) {
        const struct page_watcher *w = pages->watcher[slot];
        if (!w || now & BIT(slot)) continue;
        now |= (uint8_t)BIT(slot);
        w->before_first_store(w->context, f.area, f.page, frame_data(f));
    }
    f.area->stored[f.page / AREA_STRETCH] = true;
    *told = now; // until then each of them can see what the others know
    *frame_flags(f) |= PAGE_WRITTEN;
    pages->was_written = true;
}

bool page_store_told(struct pages *pages, struct page_frame f, unsigned offset, unsigned bytes) {
    uint8_t *flags = frame_flags(f);
    if (!(*flags & PAGE_WRITTEN)) tell(pages, f);
    if (*flags & PAGE_CODE && pages->members) {
        bool stays = pages->keeper->code_written(pages->member[0], frame_base(f), offset, bytes); // shared by all
        if (!stays) *flags &= (uint8_t)~PAGE_CODE;
    }
    if (*flags & PAGE_ARMED) monitor_stored(pages, frame_base(f) + offset, bytes);
    return !(*flags & (PAGE_CODE | PAGE_ARMED | (PAGE_SEEN & ~PAGE_VMX)));
}

static struct page_frame range_frame(const struct pages *pages, uint64_t physical, uint64_t bytes) {
    struct page_frame f = pages_frame(pages, physical);
    bool within = f.area && bytes <= f.area->bytes - (physical - f.area->base);
    return within ? f : (struct page_frame){NULL, 0};
}

const uint8_t *pages_read(const struct pages *pages, uint64_t physical, uint64_t bytes) {
    struct page_frame f = range_frame(pages, physical, bytes);
    return f.area ? frame_data(f) + (physical & (PAGE_BYTES - 1)) : NULL;
}

// Which processor's access made a device move them is not known here, and no state hangs on it: it is each one's work.
void pages_work(const struct pages *pages, uint64_t bytes) {
    enum { BULK = 512, BYTES_A_UNIT = 2 }; // less is within what a step may do; pages are told, and copied, too
    if (bytes < BULK) return;
    for (unsigned i = 0; i < pages->members; i++) cpu_work(pages->member[i], (int64_t)(bytes / BYTES_A_UNIT));
}

uint8_t *pages_store(struct pages *pages, uint64_t physical, uint64_t bytes) {
    struct page_frame first = range_frame(pages, physical, bytes), f = first;
    if (!first.area) return NULL;
    unsigned offset = (unsigned)(physical & (PAGE_BYTES - 1));
    uint8_t *to = frame_data(first) + offset;
    pages_work(pages, bytes);
    for (uint64_t left = bytes, n; left; left -= n, offset = 0, f.page++) {
        n = left < PAGE_BYTES - offset ? left : PAGE_BYTES - offset;
        (void)page_store(pages, f, offset, (unsigned)n);
    }
    return to;
}

// --- points ---

void pages_clear_points(struct pages *pages) {
    if (pages->points) pages_clear_flag(pages, PAGE_POINT);
}

void pages_flag(struct pages *pages, uint64_t physical, enum page_flag flag, bool on) {
    struct page_frame f = pages_frame(pages, physical);
    if (!f.area || !(*frame_flags(f) & flag) == !on) return;
    *frame_flags(f) ^= (uint8_t)flag;
    pages->points = true;
    for (unsigned i = 0; i < pages->members; i++) pages->keeper->drop_page(pages->member[i], f);
}

void pages_set_point(struct pages *pages, uint64_t physical, uint64_t bytes) {
    for (uint64_t at = physical & ~(PAGE_BYTES - 1); at - physical + PAGE_BYTES < bytes + PAGE_BYTES;
         at += PAGE_BYTES) {
        struct page_frame f = pages_frame(pages, at);
        if (f.area) *frame_flags(f) |= PAGE_POINT, pages->points = true;
    }
}

void pages_tell_point(struct pages *pages, struct cpu *cpu, enum stored_by by, uint64_t physical, const void *from,
                      uint64_t bytes) {
    if (pages->members) pages->keeper->point_stored(cpu ? cpu : pages->member[0], by, physical, from, bytes);
}

// --- watchers ---

static void mark_pages(struct area *a, unsigned slot, uint64_t first, uint64_t count) {
    clear_bits(a->told + first, count, (uint8_t)BIT(slot));
    clear_bits(a->flags + first, count, PAGE_WRITTEN);
}

// Where nothing was ever stored there is nothing to clear.
static void mark_area(struct area *a, unsigned slot) {
    const uint64_t pages = a->bytes / PAGE_BYTES;
    for (uint64_t page = area_next_stored(a, 0), n; page < pages; page = area_next_stored(a, page + n)) {
        n = AREA_STRETCH < pages - page ? AREA_STRETCH : pages - page;
        mark_pages(a, slot, page, n);
    }
}

static void drop_writes(struct pages *pages) {
    for (unsigned i = 0; i < pages->members; i++) pages->keeper->drop_writes(pages->member[i]);
}

void pages_mark(struct pages *pages, struct page_watcher *watcher) {
    if (!pages->was_written) return;
    for (unsigned i = 0; i < pages->areas; i++) mark_area(&pages->area[i], watcher->slot);
    drop_writes(pages);
}

void pages_mark_range(struct pages *pages, struct page_watcher *watcher, uint64_t physical, uint64_t bytes) {
    struct page_frame f = range_frame(pages, physical, bytes);
    if (!f.area || !bytes) return;
    uint64_t last = (physical + bytes - 1 - f.area->base) >> PAGE_SHIFT;
    mark_pages(f.area, watcher->slot, f.page, last - f.page + 1);
    drop_writes(pages);
}

bool pages_watch(struct pages *pages, struct page_watcher *watcher) {
    for (unsigned slot = 0; slot < PAGES_WATCHERS; slot++) {
        if (pages->watcher[slot]) continue;
        pages->watcher[slot] = watcher;
        watcher->slot = (uint8_t)slot;
        pages_mark(pages, watcher);
        return true;
    }
    return false;
}

void pages_unwatch(struct pages *pages, struct page_watcher *watcher) { pages->watcher[watcher->slot] = NULL; }
