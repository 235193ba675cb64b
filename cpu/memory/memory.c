// Memory accesses off the fast path: TLB misses, page crossings, MMIO, ROM, stores into decoded code. SDM Vol. 3A, 4
// (paging); Vol. 1, 3.3.7.1 (canonical addresses).
#include "cpu/memory/access.h"
#include "cpu/watch/debug.h"
#include "cpu/watch/observe.h"
#include "cpu/memory/paging.h"
#include "cpu/pages/physical.h"
#include "cpu/memory/points.h"
#include "cpu/state/invariant.h"

static uint64_t page_of(uint64_t address) { return address & ~(PAGE_BYTES - 1); }

// An instruction that touches MMIO or decoded code runs alone, so that devices see the exact step and the next
// instruction is decoded after the store.
static bool alone(const struct cpu *cpu) { return cpu->block && cpu->block->count == 1; }

// The running block is no longer what memory holds: the walk for this access set an accessed or dirty flag in it, or
// logged a page there. What is left of it must be decoded again.
static bool block_rewritten(const struct cpu *cpu) { return cpu->block && cpu->block->count > 1 && !cpu->block->page; }

// The largest naturally aligned piece of at most 8 bytes that starts at `physical`.
static unsigned piece(uint64_t physical, unsigned size) {
    unsigned n = 8;
    while (n > size || physical & (n - 1)) n /= 2;
    return n;
}

// --- translation of data accesses ---

// The APIC-access page of VT-x: the access is done elsewhere or exits, alone, and is never remembered.
static enum outcome apic_page(struct cpu *cpu, uint64_t linear, unsigned size, bool write, uint64_t *page) {
    if (!cpu->intercepts.apic) return OUT_OK;
    return cpu->intercepts.apic(cpu, linear, size, write ? APIC_WRITE : APIC_READ, page);
}

static enum outcome canonical(struct cpu *cpu, uint64_t linear) {
    if (!cpu_long(cpu) || likely(cpu_canonical(cpu, linear))) return OUT_OK;
    cpu->attempt.non_canonical = 1;
    return cpu_fault_gp0(cpu);
}

static enum outcome data_page(struct cpu *cpu, uint64_t linear, unsigned size, bool write, uint64_t *page) {
    TRY(canonical(cpu, linear));
    struct translation_access access = {.class = tlb_access_class(cpu), .write = write};
    cpu->attempt.walks_in_block = cpu->block && cpu->block->count > 1;
    enum outcome outcome = translate(cpu, linear, &access, page);
    cpu->attempt.walks_in_block = false;
    if (outcome != OUT_OK) return outcome;
    if (unlikely(block_rewritten(cpu))) return OUT_SOLO;
    if (likely(!(*page & TLB_APIC))) return OUT_OK;
    return alone(cpu) ? apic_page(cpu, linear, size, write, page) : OUT_SOLO;
}

static uint64_t physical_at(uint64_t linear, uint64_t page) {
    return (page & TLB_PAGE_MASK) | (linear & (PAGE_BYTES - 1));
}

static struct page_frame frame_of(const struct cpu *cpu, uint64_t page) {
    return physical_frame(cpu, page & TLB_PAGE_MASK);
}

enum outcome memory_translate(struct cpu *cpu, uint64_t linear, unsigned size, uint64_t *physical) {
    uint64_t page = 0;
    TRY(data_page(cpu, linear, size, false, &page));
    *physical = physical_at(linear, page);
    return OUT_OK;
}

// Enters what the translation allows without further checks into the fast entry.
static void remember(struct cpu *cpu, uint64_t linear, uint64_t page, uint8_t *host, bool write) {
    if (unlikely(cpu->breakpoints.watch & WATCH_ALIGNMENT) || unlikely(page & TLB_APIC)) return;
    if (unlikely(cpu->breakpoints.watch & WATCH_POINT) && observe_page(cpu, linear, page, write)) return;
    if (unlikely(cpu->breakpoints.watch & WATCH_DATA) && debug_page_watched(cpu, WATCH_DATA, linear)) return;
    struct tlb_fast *e = fast_entry(cpu, linear);
    uint64_t tag = page_of(linear) | cpu->data_context;
    e->addend = (uintptr_t)host - (uintptr_t)page_of(linear);
    e->read = tag;
    // A store is let through only after one was checked: rights, dirty flag, writable memory, no decoded code there.
    if (write)
        e->write = tag;
    else if (e->write != tag)
        e->write = ~0ull;
}

// --- accesses that observers and watchpoints want to see (cpu/watch/observe.h) ---

// False: it hits a watchpoint, and its instruction does not yet run alone.
static bool may_be_seen(struct cpu *cpu, uint64_t linear, uint64_t page, unsigned size, bool write,
                        enum outcome *outcome) {
    if (likely(!(cpu->breakpoints.watch & WATCH_POINT)) || alone(cpu) || !observe_hits(cpu, linear, page, size, write))
        return true;
    *outcome = OUT_SOLO;
    return false;
}

// Data has been read.
static const void *seen_read(struct cpu *cpu, uint64_t linear, uint64_t page, unsigned size, const void *data) {
    if (unlikely(cpu->breakpoints.watch & WATCH_POINT))
        observe_access(cpu, linear, physical_at(linear, page), size, data, false);
    return data;
}

static bool page_seen(struct cpu *cpu, uint64_t linear, uint64_t page) {
    return unlikely(cpu->breakpoints.watch & WATCH_POINT) && observe_page(cpu, linear, page, true);
}

// That an operand's second page lies beyond the canonical addresses is a fault before those of its first page.
static const void *read_crossing(struct cpu *cpu, uint64_t linear, unsigned size, enum outcome *outcome) {
    unsigned first = (unsigned)(PAGE_BYTES - (linear & (PAGE_BYTES - 1)));
    uint64_t page[2];
    uint64_t second = cpu_long(cpu) ? linear + first : (uint32_t)(linear + first);
    if ((*outcome = canonical(cpu, second)) != OUT_OK) return NULL;
    if ((*outcome = data_page(cpu, linear, first, false, &page[0])) != OUT_OK) return NULL;
    if ((*outcome = data_page(cpu, second, size - first, false, &page[1])) != OUT_OK) return NULL;
    const struct page_frame frame[2] = {frame_of(cpu, page[0]), frame_of(cpu, page[1])};
    if (!alone(cpu) && (!frame_exists(frame[0]) || !frame_exists(frame[1]))) {
        *outcome = OUT_SOLO;
        return NULL;
    }
    if (!may_be_seen(cpu, linear, page[0], first, false, outcome)) return NULL;
    if (!may_be_seen(cpu, second, page[1], size - first, false, outcome)) return NULL;
    frame_load_bytes(cpu, frame[0], physical_at(linear, page[0]), cpu->bounce.data, first);
    frame_load_bytes(cpu, frame[1], page[1] & TLB_PAGE_MASK, cpu->bounce.data + first, size - first);
    seen_read(cpu, linear, page[0], first, cpu->bounce.data);
    seen_read(cpu, second, page[1], size - first, cpu->bounce.data + first);
    return cpu->bounce.data;
}

static bool crosses(uint64_t linear, unsigned size) { return (linear & (PAGE_BYTES - 1)) + size > PAGE_BYTES; }

static const void *read_slow(struct cpu *cpu, uint64_t linear, unsigned size, enum outcome *outcome) {
    if (crosses(linear, size)) return read_crossing(cpu, linear, size, outcome);
    uint64_t page = 0;
    if ((*outcome = data_page(cpu, linear, size, false, &page)) != OUT_OK) return NULL;
    struct page_frame frame = frame_of(cpu, page);
    if (frame_exists(frame)) {
        if (!may_be_seen(cpu, linear, page, size, false, outcome)) return NULL;
        remember(cpu, linear, page, frame_data(frame), false);
        return seen_read(cpu, linear, page, size, frame_data(frame) + (linear & (PAGE_BYTES - 1)));
    }
    if (!alone(cpu)) {
        *outcome = OUT_SOLO;
        return NULL;
    }
    frame_load_bytes(cpu, frame, physical_at(linear, page), cpu->bounce.data, size);
    return seen_read(cpu, linear, page, size, cpu->bounce.data);
}

// Whether the store may go ahead now: to no bytes that code was decoded from, or the instruction runs alone.
static bool store_now(const struct cpu *cpu, struct page_frame frame, unsigned offset, unsigned size) {
    if (alone(cpu)) return true;
    if (!frame_writable(frame)) return false;
    if (likely(!(*frame_flags(frame) & PAGE_CODE))) return true;
    return !cpu->wire.pages->keeper->code_lies(cpu, frame_base(frame), offset, size);
}

static void *write_bounced(struct cpu *cpu, uint64_t linear, unsigned size, bool read, const uint64_t page[2],
                           const struct page_frame frame[2]) {
    unsigned room = (unsigned)(PAGE_BYTES - (linear & (PAGE_BYTES - 1)));
    unsigned first = size < room ? size : room;
    cpu->bounce.first = first;
    cpu->bounce.linear = linear;
    cpu->bounce.physical[0] = physical_at(linear, page[0]);
    cpu->bounce.physical[1] = page[1] & TLB_PAGE_MASK;
    if (!read) return cpu->bounce.data;
    frame_load_bytes(cpu, frame[0], cpu->bounce.physical[0], cpu->bounce.data, first);
    seen_read(cpu, linear, page[0], first, cpu->bounce.data);
    if (size <= first) return cpu->bounce.data;
    frame_load_bytes(cpu, frame[1], cpu->bounce.physical[1], cpu->bounce.data + first, size - first);
    seen_read(cpu, page_of(linear) + PAGE_BYTES, page[1], size - first, cpu->bounce.data + first);
    return cpu->bounce.data;
}

static bool write_may_be_seen(struct cpu *cpu, uint64_t linear, const uint64_t page[2], unsigned size, bool read,
                              enum outcome *outcome) {
    unsigned room = (unsigned)(PAGE_BYTES - (linear & (PAGE_BYTES - 1))), first = size < room ? size : room;
    uint64_t second = page_of(linear) + PAGE_BYTES;
    if (!may_be_seen(cpu, linear, page[0], first, true, outcome)) return false;
    if (read && !may_be_seen(cpu, linear, page[0], first, false, outcome)) return false;
    if (size == first) return true;
    return may_be_seen(cpu, second, page[1], size - first, true, outcome) &&
           (!read || may_be_seen(cpu, second, page[1], size - first, false, outcome));
}

static enum outcome write_pages(struct cpu *cpu, uint64_t linear, unsigned size, bool crossing, uint64_t page[2]) {
    uint64_t second = page_of(linear) + PAGE_BYTES;
    if (crossing) TRY(canonical(cpu, second));
    TRY(data_page(cpu, linear, size, true, &page[0]));
    return crossing ? data_page(cpu, cpu_long(cpu) ? second : (uint32_t)second, size, true, &page[1]) : OUT_OK;
}

static void *write_slow(struct cpu *cpu, uint64_t linear, unsigned size, bool read, enum outcome *outcome) {
    uint64_t page[2] = {0, 0};
    bool crossing = crosses(linear, size);
    if ((*outcome = write_pages(cpu, linear, size, crossing, page)) != OUT_OK) return NULL;
    const struct page_frame frame[2] = {frame_of(cpu, page[0]), frame_of(cpu, page[crossing])};
    unsigned offset = (unsigned)(linear & (PAGE_BYTES - 1)), first = crossing ? (unsigned)PAGE_BYTES - offset : size;
    if (!store_now(cpu, frame[0], offset, first) || (crossing && !store_now(cpu, frame[1], 0, size - first))) {
        *outcome = OUT_SOLO;
        return NULL;
    }
    bool seen = page_seen(cpu, linear, page[0]);
    if (unlikely(crossing)) seen |= page_seen(cpu, page_of(linear) + PAGE_BYTES, page[1]);
    if (unlikely(seen) && !write_may_be_seen(cpu, linear, page, size, read, outcome)) return NULL;
    if (crossing || seen || !frame_writable(frame[0])) return write_bounced(cpu, linear, size, read, page, frame);
    bool tag = page_store(cpu->wire.pages, frame[0], offset, size);
    INVARIANT(!tag || (*frame_flags(frame[0]) & ~PAGE_VMX) == PAGE_WRITTEN);
    remember(cpu, linear, page[0], frame_data(frame[0]), tag);
    return frame_data(frame[0]) + offset;
}

// With data breakpoints or alignment checking. An access that hits a breakpoint makes its instruction run alone.
static bool watched(struct cpu *cpu, uint64_t linear, unsigned size, bool write, enum outcome *outcome) {
    bool hit = cpu->breakpoints.watch & WATCH_DATA && !debug_data(cpu, linear, size, write);
    *outcome = OUT_SOLO;
    return !hit || alone(cpu);
}

// An alignment-check exception comes after all others of the access.
static bool aligned(struct cpu *cpu, uint64_t linear, unsigned size, enum outcome *outcome) {
    if (!(cpu->breakpoints.watch & WATCH_ALIGNMENT) || !debug_misaligned(linear, size)) return true;
    *outcome = cpu_fault_code(cpu, VECTOR_AC, 0);
    return false;
}

enum outcome memory_breakpoints(struct cpu *cpu, uint64_t linear, unsigned size, bool write) {
    enum outcome outcome;
    if (likely(!(cpu->breakpoints.watch & WATCH_DATA))) return OUT_OK;
    return watched(cpu, linear, size, write, &outcome) ? OUT_OK : outcome;
}

enum outcome memory_alignment(struct cpu *cpu, uint64_t linear, unsigned size) {
    enum outcome outcome = OUT_OK;
    return aligned(cpu, linear, size, &outcome) ? OUT_OK : outcome;
}

// The page's fast entry is the second of its index, and lets the access through: it becomes the first.
static struct tlb_fast *second_fast(struct cpu *cpu, uint64_t linear, unsigned size, bool write) {
    struct tlb_fast *first = fast_entry(cpu, linear), *second = first + TLB_DATA;
    if ((write ? second->write : second->read) != (page_of(linear + size - 1) | cpu->data_context)) return NULL;
    tlb_exchange(cpu, linear, false);
    return first;
}

const void *memory_read_slow(struct cpu *cpu, uint64_t linear, unsigned size, enum outcome *outcome) {
    const struct tlb_fast *known = second_fast(cpu, linear, size, false);
    if (known) return host_pointer(linear, known);
    if (likely(!cpu->breakpoints.watch)) return read_slow(cpu, linear, size, outcome);
    if (!watched(cpu, linear, size, false, outcome)) return NULL;
    const void *p = read_slow(cpu, linear, size, outcome);
    return p && aligned(cpu, linear, size, outcome) ? p : NULL;
}

void *memory_write_slow(struct cpu *cpu, uint64_t linear, unsigned size, bool read, enum outcome *outcome) {
    const struct tlb_fast *known = second_fast(cpu, linear, size, true);
    if (known) return host_pointer(linear, known);
    if (likely(!cpu->breakpoints.watch)) return write_slow(cpu, linear, size, read, outcome);
    if (!watched(cpu, linear, size, true, outcome)) return NULL;
    void *p = write_slow(cpu, linear, size, read, outcome);
    return p && aligned(cpu, linear, size, outcome) ? p : NULL;
}

static void seen_write(struct cpu *cpu, uint64_t linear, const uint64_t physical[2], unsigned size, unsigned first,
                       const uint8_t *data) {
    observe_access(cpu, linear, physical[0], first, data, true);
    if (size > first) observe_access(cpu, page_of(linear) + PAGE_BYTES, physical[1], size - first, data + first, true);
}

// The parts of an operand on one page, and perhaps on another.
static void load_bytes_at(struct cpu *cpu, const uint64_t physical[2], uint8_t *to, unsigned first, unsigned size) {
    frame_load_bytes(cpu, physical_frame(cpu, physical[0]), physical[0], to, first);
    if (size <= first) return;
    frame_load_bytes(cpu, physical_frame(cpu, physical[1]), physical[1], to + first, size - first);
}

static void store_bytes_at(struct cpu *cpu, const uint64_t physical[2], const uint8_t *from, unsigned first,
                           unsigned size) {
    frame_store_bytes(cpu, physical_frame(cpu, physical[0]), physical[0], from, first);
    if (size <= first) return;
    frame_store_bytes(cpu, physical_frame(cpu, physical[1]), physical[1], from + first, size - first);
}

enum outcome memory_commit(struct cpu *cpu, unsigned size) {
    unsigned first = size < cpu->bounce.first ? size : cpu->bounce.first;
    if (unlikely(cpu->breakpoints.watch & WATCH_POINT))
        seen_write(cpu, cpu->bounce.linear, cpu->bounce.physical, size, first, cpu->bounce.data);
    store_bytes_at(cpu, cpu->bounce.physical, cpu->bounce.data, first, size);
    return OUT_OK;
}

enum outcome load_bytes(struct cpu *cpu, uint64_t linear, void *to, unsigned size) {
    enum outcome outcome;
    const void *p = memory_read(cpu, linear, size, &outcome);
    if (unlikely(!p)) return outcome;
    memcpy(to, p, size);
    return OUT_OK;
}

enum outcome store_bytes(struct cpu *cpu, uint64_t linear, const void *from, unsigned size) {
    enum outcome outcome;
    void *p = memory_write(cpu, linear, size, false, &outcome);
    if (unlikely(!p)) return outcome;
    memcpy(p, from, size);
    return unlikely(p == cpu->bounce.data) ? memory_commit(cpu, size) : OUT_OK;
}

// --- areas: every page is checked before the first byte moves ---

// Whether the page's fast entry lets the access through. Then it is memory that nobody watches, and needs no check.
static bool known(const struct cpu *cpu, uint64_t linear, bool write) {
    const struct tlb_fast *e = fast_entry(cpu, linear);
    return (write ? e->write : e->read) == (page_of(linear) | cpu->data_context);
}

// How much of an area moves at once: to the page's end where that is known, else a piece, after which it may be.
static unsigned stretch(const struct cpu *cpu, uint64_t linear, unsigned size, bool write) {
    unsigned room = (unsigned)(PAGE_BYTES - (linear & (PAGE_BYTES - 1)));
    return !known(cpu, linear, write) ? piece(linear, size) : size < room ? size : room;
}

static enum outcome area_probe(struct cpu *cpu, uint64_t linear, unsigned size, bool write) {
    TRY(canonical(cpu, linear + size - 1));
    for (uint64_t done = 0, page = 0; done < size; done = page_of(linear + done) + PAGE_BYTES - linear) {
        if (known(cpu, linear + done, write)) continue;
        TRY(data_page(cpu, linear + done, size, write, &page));
        struct page_frame frame = frame_of(cpu, page);
        unsigned offset = (unsigned)((linear + done) & (PAGE_BYTES - 1)), room = (unsigned)PAGE_BYTES - offset;
        unsigned n = size - (unsigned)done < room ? size - (unsigned)done : room;
        if (write ? !store_now(cpu, frame, offset, n) : !alone(cpu) && !frame_exists(frame)) return OUT_SOLO;
    }
    return OUT_OK;
}

enum outcome store_probe(struct cpu *cpu, uint64_t linear, unsigned size) {
    return area_probe(cpu, linear, size, true);
}

enum outcome load_area(struct cpu *cpu, uint64_t linear, void *to, unsigned size) {
    TRY(area_probe(cpu, linear, size, false));
    TRY(memory_alignment(cpu, linear, size));
    for (unsigned done = 0, n; done < size; done += n) {
        n = stretch(cpu, linear + done, size - done, false);
        TRY(load_bytes(cpu, linear + done, (uint8_t *)to + done, n));
    }
    return OUT_OK;
}

enum outcome store_area(struct cpu *cpu, uint64_t linear, const void *from, unsigned size) {
    TRY(area_probe(cpu, linear, size, true));
    TRY(memory_alignment(cpu, linear, size));
    for (unsigned done = 0, n; done < size; done += n) {
        n = stretch(cpu, linear + done, size - done, true);
        TRY(store_bytes(cpu, linear + done, (const uint8_t *)from + done, n));
    }
    return OUT_OK;
}

// --- implicit supervisor accesses ---

static enum outcome system_page(struct cpu *cpu, uint64_t linear, unsigned size, bool write, uint64_t *page) {
    if (cpu_long(cpu) && !cpu_canonical(cpu, linear)) return cpu_fault_gp0(cpu);
    bool smap = cpu->control.cr4 & CR4_SMAP;
    struct translation_access access = {.class = smap ? ACCESS_SUPERVISOR : ACCESS_SUPERVISOR_ANY, .write = write};
    TRY(translate(cpu, linear, &access, page));
    return unlikely(*page & TLB_APIC) ? apic_page(cpu, linear, size, write, page) : OUT_OK;
}

static enum outcome system_access(struct cpu *cpu, uint64_t linear, unsigned size, bool write, uint8_t *bytes) {
    unsigned room = (unsigned)(PAGE_BYTES - (linear & (PAGE_BYTES - 1)));
    unsigned first = size < room ? size : room;
    uint64_t page[2] = {0, 0};
    TRY(system_page(cpu, linear, size, write, &page[0]));
    if (size > first) TRY(system_page(cpu, page_of(linear) + PAGE_BYTES, size, write, &page[1]));
    const uint64_t physical[2] = {physical_at(linear, page[0]), page[1] & TLB_PAGE_MASK};
    if (write) {
        if (unlikely(cpu->breakpoints.watch & WATCH_POINT)) seen_write(cpu, linear, physical, size, first, bytes);
        store_bytes_at(cpu, physical, bytes, first, size);
        return OUT_OK;
    }
    load_bytes_at(cpu, physical, bytes, first, size);
    seen_read(cpu, linear, page[0], first, bytes);
    if (size > first) seen_read(cpu, page_of(linear) + PAGE_BYTES, page[1], size - first, bytes + first);
    return OUT_OK;
}

enum outcome system_load(struct cpu *cpu, uint64_t linear, unsigned w, uint64_t *value) {
    uint8_t bytes[8] = {0};
    TRY(system_access(cpu, linear, w / 8, false, bytes));
    *value = bytes_get(bytes, w);
    return OUT_OK;
}

enum outcome system_store(struct cpu *cpu, uint64_t linear, unsigned w, uint64_t value) {
    uint8_t bytes[8];
    bytes_set(bytes, 64, value);
    return system_access(cpu, linear, w / 8, true, bytes);
}
