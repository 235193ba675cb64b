// Observers and points: see cpu/watch/observe.h.
//
// Breakpoints are records of decoded blocks whose handler looks first (run_point in cpu/engine/fetch.c). A linear, a
// guest-physical and a physical address have the low twelve bits in common, so every instruction at the page offset of
// a breakpoint gets such a record: how its page is mapped, and may be mapped later, does not matter. Watchpoints keep
// their pages out of the fast entries of the TLB, as those of DR0 to DR3 do. Those for writes to physical memory also
// see the stores of page walks, of VT-x to its structures and of devices (PAGE_POINT in cpu/pages/pages.h).
// NOT IMPLEMENTED: watchpoints on reads by page walks, by VT-x of its structures, and by devices; a watchpoint on an
// implicit access (descriptor tables, TSS, the frame of an event, flags of page tables) stops at the end of the block,
// not of the instruction.
#include "cpu/memory/points.h"
#include "cpu/memory/access.h"
#include "cpu/memory/peek.h"
#include "cpu/watch/debug.h"

void observe_pass(struct cpu *cpu, uint64_t linear) {
    cpu->observation.passed_step = cpu->time.steps;
    cpu->observation.passed_linear = linear;
}

// --- telling ---

// The beginning of an attempt; when it was told before or is passed, to those who want it again.
static void tell_beginning(struct cpu *cpu, uint64_t linear, bool passed) {
    struct sight sight = {.kind = OBSERVE_INSTRUCTION, .step = cpu_steps(cpu, NULL), .rip = cpu->rip, .linear = linear};
    for (const struct observer *o = cpu->observation.observers; o; o = o->next)
        if (o->wanted & BIT(OBSERVE_INSTRUCTION) && (!passed || o->again)) o->see(o->context, cpu, &sight);
}

static void tell_point(struct cpu *cpu, struct point *point, struct sight *sight) {
    sight->step = cpu_steps(cpu, NULL);
    sight->rip = cpu->rip;
    point->hit(point, cpu, sight);
}

// --- addresses ---

// The physical page behind a linear one, as the TLB has it, else as the tables say. False: there is none.
static bool physical_of(struct cpu *cpu, uint64_t linear, uint64_t *physical) {
    const struct tlb_bank *bank = cpu->tlb->now;
    const struct tlb_entry *e = &bank->fetch[(linear >> PAGE_SHIFT) & (TLB_FETCH - 1)];
    struct peek_roots roots = peek_current(cpu);
    if (!tlb_entry_valid(cpu, e, linear)) return peek_physical(cpu, &roots, linear, physical);
    *physical = (e->page & TLB_PAGE_MASK) | (linear & (PAGE_BYTES - 1));
    return true;
}

static bool guest_physical_of(struct cpu *cpu, uint64_t linear, uint64_t physical, uint64_t *guest_physical) {
    struct peek_roots roots = peek_current(cpu);
    *guest_physical = physical;
    return !cpu->second_stage || peek_linear(cpu, &roots, linear, guest_physical);
}

// An address in the space of a point. `physical` is ~0 when it is not known.
static bool address_in(struct cpu *cpu, enum point_space space, uint64_t linear, uint64_t physical, uint64_t *address) {
    *address = linear;
    if (space == POINT_LINEAR) return true;
    if (physical == ~0ull && !physical_of(cpu, linear, &physical)) return false;
    *address = physical;
    return space == POINT_PHYSICAL || guest_physical_of(cpu, linear, physical, address);
}

// --- breakpoints ---

bool observe_offset(const struct cpu *cpu, uint64_t offset) {
    for (const struct point *p = cpu->observation.points; p; p = p->next)
        if (p->access & POINT_EXECUTE && (p->address & (PAGE_BYTES - 1)) == (offset & (PAGE_BYTES - 1))) return true;
    return false;
}

static bool breakpoint_is_at(struct cpu *cpu, const struct point *p, uint64_t linear, uint64_t physical) {
    uint64_t address = 0;
    if (!(p->access & POINT_EXECUTE) || (p->address ^ linear) & (PAGE_BYTES - 1)) return false;
    return address_in(cpu, p->space, linear, physical, &address) && address == p->address;
}

bool observe_breakpoint(struct cpu *cpu, uint64_t linear, uint64_t physical) {
    for (const struct point *p = cpu->observation.points; p; p = p->next)
        if (breakpoint_is_at(cpu, p, linear, physical)) return true;
    return false;
}

bool observe_before(struct cpu *cpu, uint64_t linear) {
    bool alone = cpu->observation.doing & OBSERVING_ALONE;
    bool passed = cpu->observation.passed_step == cpu->time.steps && cpu->observation.passed_linear == linear;
    observe_pass(cpu, linear);
    if (observed(cpu, OBSERVE_INSTRUCTION)) tell_beginning(cpu, linear, passed);
    if (!(cpu->observation.doing & OBSERVING_EXECUTE)) return alone;
    for (struct point *p = cpu->observation.points, *next; p; p = next) {
        next = p->next;
        if (!breakpoint_is_at(cpu, p, linear, ~0ull)) continue;
        alone = true;
        if (!passed) tell_point(cpu, p, &(struct sight){.kind = OBSERVE_BREAKPOINT, .linear = linear});
    }
    return alone;
}

// --- data ---

static bool overlaps(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes) {
    return a - b < b_bytes || b - a < a_bytes;
}

static bool page_has(const struct cpu *cpu, uint64_t physical, uint64_t flags) {
    const struct page_frame f = pages_frame(cpu->wire.pages, physical);
    return f.area && *frame_flags(f) & flags;
}

static bool flagged_hit(const struct cpu *cpu, const struct point *p, uint64_t physical) {
    struct point *point = (struct point *)(uintptr_t)p;
    return page_has(cpu, physical, p->address) && (!p->concerns || p->concerns(point, cpu, physical));
}

static bool data_point_hit(struct cpu *cpu, const struct point *p, uint64_t linear, uint64_t physical, unsigned size) {
    uint64_t address = 0;
    if (p->access & POINT_EXECUTE || p->space == POINT_TRANSLATIONS) return false;
    if (p->space == POINT_PAGES) return flagged_hit(cpu, p, physical);
    return address_in(cpu, p->space, linear, physical, &address) && overlaps(address, size, p->address, p->bytes);
}

static bool doubted(struct cpu *cpu, struct point *p, uint64_t linear, uint64_t page, unsigned access) {
    return p->space == POINT_TRANSLATIONS && p->doubts(p, cpu, linear & ~(PAGE_BYTES - 1), page, access);
}

void observe_fetch(struct cpu *cpu, uint64_t linear, uint64_t page) {
    for (struct point *p = cpu->observation.points; p; p = p->next) (void)doubted(cpu, p, linear, page, POINT_EXECUTE);
}

// What only looks at writes lets reads pass; a page that may be written freely may be read so too.
bool observe_page(struct cpu *cpu, uint64_t linear, uint64_t page, bool write) {
    if (cpu->observation.wanted & BIT(OBSERVE_MEMORY)) return true;
    for (struct point *p = cpu->observation.points; p; p = p->next) {
        if (doubted(cpu, p, linear, page, write ? POINT_WRITE : POINT_READ)) return true;
        if ((write || p->access & POINT_READ) &&
            data_point_hit(cpu, p, linear & ~(PAGE_BYTES - 1), page & TLB_PAGE_MASK, PAGE_BYTES))
            return true;
    }
    return false;
}

bool observe_hits(struct cpu *cpu, uint64_t linear, uint64_t page, unsigned size, bool write) {
    uint64_t physical = (page & TLB_PAGE_MASK) | (linear & (PAGE_BYTES - 1));
    for (struct point *p = cpu->observation.points; p; p = p->next)
        if (doubted(cpu, p, linear, page, write ? POINT_WRITE : POINT_READ) ||
            (p->access & (write ? POINT_WRITE : POINT_READ) && data_point_hit(cpu, p, linear, physical, size)))
            return true;
    return false;
}

static uint64_t first_bytes(const void *data, unsigned size) {
    uint64_t v = 0;
    if (data) memcpy(&v, data, size < 8 ? size : 8);
    return v;
}

void observe_access(struct cpu *cpu, uint64_t linear, uint64_t physical, unsigned size, const void *data, bool write) {
    const uint8_t *page = write ? physical_page(cpu, physical) : NULL;
    const uint8_t *old = page ? page + (physical & (PAGE_BYTES - 1)) : NULL;
    struct sight sight = {.kind = OBSERVE_MEMORY,
                          .write = write,
                          .size = (uint8_t)size,
                          .linear = linear,
                          .physical = physical,
                          .value = first_bytes(data, size),
                          .old = first_bytes(old, size)};
    if (observed(cpu, OBSERVE_MEMORY)) observe_tell(cpu, NULL, &sight);
    sight.kind = OBSERVE_WATCHPOINT;
    for (struct point *p = cpu->observation.points, *next; p; p = next) {
        next = p->next;
        if (p->access & (write ? POINT_WRITE : POINT_READ) && data_point_hit(cpu, p, linear, physical, size))
            tell_point(cpu, p, &sight);
    }
}

// Whether an alteration by hand meets a point that knows no physical address: as a processor sees memory at this
// moment.
static bool seen_at(const struct cpu *cpu, const struct point *p, uint64_t physical, uint64_t bytes) {
    const struct peek_roots roots = peek_current(cpu);
    for (uint64_t at = p->address, room; at - p->address < p->bytes; at += room) {
        uint64_t left = p->bytes - (at - p->address), there = at;
        room = PAGE_BYTES - at % PAGE_BYTES;
        bool maps = p->space == POINT_LINEAR ? peek_physical(cpu, &roots, at, &there)
                                             : !roots.eptp || peek_guest_physical(cpu, roots.eptp, at, &there);
        if (maps && overlaps(physical, bytes, there, left < room ? left : room)) return true;
    }
    return false;
}

static bool meets(const struct cpu *cpu, const struct point *p, enum stored_by by, uint64_t physical, uint64_t bytes) {
    const struct pages *pages = cpu->wire.pages;
    if (!(p->access & POINT_WRITE)) return false;
    if (p->space == POINT_PAGES) return page_has(cpu, physical, p->address);
    if (p->space == POINT_PHYSICAL) return overlaps(physical, bytes, p->address, p->bytes);
    for (unsigned i = 0; by == STORED_BY_HAND && i < pages->members; i++)
        if (seen_at(pages->member[i], p, physical, bytes)) return true;
    return false;
}

void observe_stored(struct cpu *cpu, enum stored_by by, uint64_t physical, const void *from, uint64_t bytes) {
    unsigned size = bytes < 8 ? (unsigned)bytes : 8;
    const uint8_t *page = physical_page(cpu, physical);
    struct sight sight = {.kind = OBSERVE_WATCHPOINT,
                          .write = true,
                          .number = by,
                          .size = (uint8_t)size,
                          .linear = ~0ull,
                          .physical = physical,
                          .value = first_bytes(from, size),
                          .old = first_bytes(page ? page + (physical & (PAGE_BYTES - 1)) : NULL, size)};
    for (struct point *p = cpu->observation.points, *next; p; p = next) {
        next = p->next;
        if (meets(cpu, p, by, physical, bytes)) tell_point(cpu, p, &sight);
    }
}
