// Physical memory: named areas of pages of 4 KBytes, and one byte of flags a page that says why an access may not take
// the fast path. RAM is made of areas; so are the memory of cards, flash, and overlays of disks. RAM stands at its
// physical addresses, everything else above all of them (PAGES_APART): what a processor sees of it, and where, is the
// platform's to say, and it may be at several places. So what is kept about a page goes by its frame.
//
// A processor's stores with a write tag in the fast TLB are free. Every other store, of processors, page walks, VT-x,
// devices, the monitor and loaders, passes one door before it happens: page_store, or pages_store for a range. There
// watchers learn of a page's first store since their mark, decoded code is dropped, and monitors (MONITOR) are
// triggered.
#ifndef CPU_PAGES_H
#define CPU_PAGES_H
#include "cpu/state/cpu.h"

enum page_flag {
    PAGE_WRITTEN = 1, // every watcher has been told of a store since its mark. Clear: the next store must be told first
    PAGE_CODE = 2,    // blocks were decoded from the page
    PAGE_ARMED =
        4, // MONITOR armed a line of it; stays when no monitor is armed any more, until derived state is dropped
    PAGE_TABLE = 8,  // translations were read from it: set by who watches tables (POINT_PAGES)
    PAGE_VMX = 16,   // a region that VT-x uses lies in it: set by who watches those
    PAGE_POINT = 32, // a watchpoint for writes to physical memory lies in it
    PAGE_USED = 64,  // something that a VMCS leads to lies in it: set by who watches those
    PAGE_FRESH = 128, // nobody has stored to it: set by who watches that
};

// Stores to pages with one of these are told to points.
#define PAGE_SEEN (PAGE_POINT | PAGE_TABLE | PAGE_VMX | PAGE_USED | PAGE_FRESH)

enum { PAGES_AREAS = 64, PAGES_WATCHERS = 8, PAGES_MEMBERS = 64, AREA_STRETCH = 4096 };

struct area {
    const char *name;
    uint64_t base, bytes; // physical address, or where it stands in a space of its own; multiples of 4096
    uint8_t *data;        // the owner's
    bool read_only;       // for processors: their stores go to the platform, as to registers: ROM, flash
    // made by pages_add
    uint8_t *flags; // enum page_flag, a byte a page
    uint8_t *told;  // a byte a page: BIT(slot) of the watchers that were told of a store since their mark
    bool *stored;   // of each AREA_STRETCH pages: whether a watcher was ever told of a store to one of them
};

// Who must know a page as it was: a checkpoint, a hash, a frame buffer, a migration; each has its own mark.
struct page_watcher {
    void *context;
    // `old`: the page before the store. It may look, and must neither store nor mark.
    void (*before_first_store)(void *context, const struct area *area, uint64_t page, const uint8_t *old);
    uint8_t slot; // pages_watch's
};

enum stored_by {
    STORED_BY_INSTRUCTION,
    STORED_BY_PROCESSOR, // walks, VT-x, logs
    STORED_BY_DEVICE,
    STORED_BY_HAND, // an alteration that comes in again in a replay
};

// What processors over these pages keep about them, dropped when flags forbid it.
struct page_keeper {
    void (*drop_page)(struct cpu *cpu, struct page_frame frame); // fast entries of one page
    void (*drop_writes)(struct cpu *cpu);                        // write tags of all pages
    // Whether blocks were decoded from these bytes of a page with PAGE_CODE; before a store to them: whether others of
    // the page stay.
    bool (*code_lies)(const struct cpu *cpu, uint64_t physical, unsigned offset, unsigned bytes);
    bool (*code_written)(struct cpu *cpu, uint64_t physical, unsigned offset, unsigned bytes);
    // Before a store to a page with PAGE_POINT that is none of an instruction's own, which are told by linear address.
    void (*point_stored)(struct cpu *cpu, enum stored_by by, uint64_t physical, const void *from, uint64_t bytes);
};

struct pages {
    struct area area[PAGES_AREAS];
    unsigned areas;
    struct page_watcher *watcher[PAGES_WATCHERS];
    struct cpu *member[PAGES_MEMBERS]; // the processors over these pages; they run in turns
    unsigned members;
    uint64_t armed;   // pages that have PAGE_ARMED
    bool points;      // some page has one of PAGE_SEEN
    bool was_written; // some page has PAGE_WRITTEN, or had
    const struct page_keeper *keeper;
};

// --- areas ---
bool pages_add(struct pages *pages, const struct area *area); // false: no memory, or too many
void pages_free(struct pages *pages);                         // what pages_add made; the data is the owner's
// A processor comes and goes. False: there are too many.
bool pages_join(struct pages *pages, struct cpu *cpu, const struct page_keeper *keeper);
void pages_leave(struct pages *pages, struct cpu *cpu);

// --- pages ---
#define PAGES_APART (1ull << 52) // from here on no address is a physical one
ALWAYS_INLINE bool frame_exists(struct page_frame f) { return f.area; }
ALWAYS_INLINE uint8_t *frame_data(struct page_frame f) { return f.area->data + f.page * PAGE_BYTES; }
ALWAYS_INLINE uint8_t *frame_flags(struct page_frame f) { return &f.area->flags[f.page]; }
ALWAYS_INLINE uint64_t frame_base(struct page_frame f) { return f.area->base + f.page * PAGE_BYTES; }
ALWAYS_INLINE bool frame_apart(struct page_frame f) { return f.area->base >= PAGES_APART; }
ALWAYS_INLINE bool frame_writable(struct page_frame f) { return f.area && !f.area->read_only; }

// The page of any area at an address of its space. `area` is NULL: there is none.
ALWAYS_INLINE struct page_frame pages_frame(const struct pages *pages, uint64_t physical) {
    for (struct area *a = (struct area *)(uintptr_t)pages->area; a < pages->area + pages->areas; a++)
        if (physical - a->base < a->bytes) return (struct page_frame){a, (physical - a->base) >> PAGE_SHIFT};
    return (struct page_frame){NULL, 0};
}

void pages_clear_flag(struct pages *pages, enum page_flag flag); // of every page
// The first page from `page` on that may have been stored to, by whole stretches: what is passed over is as it was when
// the area came, zero in one that came so. The area's end: there is none.
ALWAYS_INLINE uint64_t area_next_stored(const struct area *a, uint64_t page) {
    const uint64_t pages = a->bytes / PAGE_BYTES;
    while (page < pages && !a->stored[page / AREA_STRETCH]) page = (page / AREA_STRETCH + 1) * AREA_STRETCH;
    return page < pages ? page : pages;
}

// --- the door ---
bool page_store_told(struct pages *pages, struct page_frame frame, unsigned offset, unsigned bytes);
// Before a store of `bytes` at `offset` of a page. True: a processor may keep a write tag, if no point wants to see its
// stores to the page: who watches regions of VT-x (PAGE_VMX) does not, where a hypervisor has those of its guests.
ALWAYS_INLINE bool page_store(struct pages *pages, struct page_frame frame, unsigned offset, unsigned bytes) {
    if (likely(*frame_flags(frame) == PAGE_WRITTEN)) return true;
    return page_store_told(pages, frame, offset, bytes);
}
// Host addresses of a range that must lie in one area; NULL: it does not. The second is for a store of the whole range,
// now: the door is passed.
const uint8_t *pages_read(const struct pages *pages, uint64_t physical, uint64_t bytes);
uint8_t *pages_store(struct pages *pages, uint64_t physical, uint64_t bytes);
// Bytes that are moved by others than instructions: work (cpu_work) of whoever runs. pages_store says it of its own.
void pages_work(const struct pages *pages, uint64_t bytes);

// --- points ---
void pages_clear_points(struct pages *pages);
void pages_set_point(struct pages *pages, uint64_t physical,
                     uint64_t bytes); // write tags to it are the caller's to drop
// Sets a flag of the page or clears it; what processors keep for accesses to it is dropped.
void pages_flag(struct pages *pages, uint64_t physical, enum page_flag flag, bool on);
// Before a store of `bytes` from `from` into pages that the door was passed for, by others than instructions.
void pages_tell_point(struct pages *pages, struct cpu *cpu, enum stored_by by, uint64_t physical, const void *from,
                      uint64_t bytes);

// --- watchers ---
bool pages_watch(struct pages *pages, struct page_watcher *watcher); // marks; false: there are too many
void pages_unwatch(struct pages *pages, struct page_watcher *watcher);
// From now on the first store to every page, or to those of a range, is told again. Between instructions only.
void pages_mark(struct pages *pages, struct page_watcher *watcher);
void pages_mark_range(struct pages *pages, struct page_watcher *watcher, uint64_t physical, uint64_t bytes);

#endif
