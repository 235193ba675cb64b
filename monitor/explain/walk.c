// Address translation as the tables in memory say; see walk.h.
#include "monitor/explain/walk.h"
#include "cpu/state/model.h"
#include <string.h>

#define ENTRY_P BIT(0)
#define ENTRY_PS BIT(7)
#define ENTRY_XD BIT(63)
#define ENTRY_ADDRESS BITS(51, 12)

static bool entry_load(const struct view *view, const struct walk *w, uint64_t at, size_t bytes, uint64_t *value) {
    uint64_t physical = at;
    if (w->kind == WALK_EPT ? !walk_own(view, w->memory, at, &physical) : !walk_guest_physical(view, at, &physical))
        return false;
    const void *from = machine_ram(view->machine, physical, bytes);
    *value = 0;
    if (from) memcpy(value, from, bytes);
    return from;
}

// Bits that must be 0. SDM Vol. 3A, tables 4-8 to 4-20; Vol. 3C, 28.3.3.1 for EPT.
static uint64_t reserved(const struct view *view, const struct walk *w, unsigned level, uint64_t entry) {
    uint64_t bits = BITS(51, 0) & ~(BIT(view->cpu->wire.model->physical_bits) - 1);
    bool large = entry & ENTRY_PS && level >= 2 && level <= 3;
    if (w->kind == WALK_32) return large ? BIT(21) : 0;
    if (large) bits |= level == 3 ? BITS(29, 13) : BITS(20, 13);
    if (w->kind == WALK_EPT) {
        if (large)
            bits |= BIT(12);
        else if (level > 1)
            bits |= level == 4 ? BITS(7, 3) : BITS(6, 3);
        return bits;
    }
    if (level >= 4) bits |= ENTRY_PS;
    if (!(view->efer & EFER_NXE)) bits |= ENTRY_XD;
    if (w->kind == WALK_PAE) bits |= BITS(62, 52);
    return bits;
}

static bool present(const struct walk *w, uint64_t entry) {
    return w->kind == WALK_EPT ? entry & BITS(2, 0) : entry & ENTRY_P;
}

static bool maps(const struct view *view, const struct walk *w, unsigned level, uint64_t entry) {
    if (level == 1) return true;
    if (!(entry & ENTRY_PS)) return false;
    return w->kind == WALK_32 ? view->cr4 & CR4_PSE : level <= 3;
}

static bool stop(struct walk *w, enum walk_fault fault) {
    w->fault = fault;
    return fault == WALK_FINE;
}

static bool finish(struct walk *w, uint64_t entry, unsigned shift) {
    uint64_t offset = BIT(shift) - 1, frame = entry & ENTRY_ADDRESS;
    if (w->kind == WALK_32) {
        frame &= UINT32_MAX;
        if (shift == 22) frame |= (entry & BITS(20, 13)) << 19; // PSE-36
    }
    w->shift = shift;
    w->result = (frame & ~offset) | (w->address & offset);
    return stop(w, WALK_FINE);
}

static bool descend(const struct view *view, struct walk *w, uint64_t table, unsigned level) {
    unsigned bits = w->kind == WALK_32 ? 10 : 9;
    size_t bytes = w->kind == WALK_32 ? 4 : 8;
    for (;; level--) {
        unsigned shift = 12 + bits * (level - 1);
        struct walk_entry *e = &w->entry[w->count];
        e->level = level;
        e->index = (unsigned)(w->address >> shift & (BIT(bits) - 1));
        e->at = table + e->index * bytes;
        if (!entry_load(view, w, e->at, bytes, &e->value)) return stop(w, WALK_NO_TABLE);
        w->count++;
        if (!present(w, e->value)) return stop(w, WALK_NOT_PRESENT);
        e->bad = e->value & reserved(view, w, level, e->value);
        if (w->kind == WALK_EPT && (e->value & BITS(1, 0)) == BIT(1)) e->bad |= BIT(1); // writable, not readable
        if (e->bad) return stop(w, WALK_RESERVED);
        if (maps(view, w, level, e->value)) return finish(w, e->value, shift);
        table = e->value & (w->kind == WALK_32 ? BITS(31, 12) : ENTRY_ADDRESS);
    }
}

static bool canonical(uint64_t address, unsigned bits) {
    return (uint64_t)((int64_t)(address << (64 - bits)) >> (64 - bits)) == address;
}

bool walk_first_stage(const struct view *view, uint64_t linear, struct walk *w) {
    *w = (struct walk){.address = linear, .root = view->cr3, .result = linear, .shift = 12};
    if (!(view->cr0 & CR0_PG)) return stop(w, WALK_FINE);
    if (!(view->efer & EFER_LMA)) w->address = linear & UINT32_MAX;
    if (!(view->cr4 & CR4_PAE)) {
        w->kind = WALK_32;
        return descend(view, w, view->cr3 & BITS(31, 12), 2);
    }
    if (!(view->efer & EFER_LMA)) {
        uint64_t pdpte = view->pdpte[w->address >> 30 & 3];
        w->kind = WALK_PAE;
        w->entry[w->count++] = (struct walk_entry){3, (unsigned)(w->address >> 30 & 3), ~0ull, pdpte, 0};
        if (!(pdpte & ENTRY_P)) return stop(w, WALK_NOT_PRESENT);
        return descend(view, w, pdpte & ENTRY_ADDRESS, 2);
    }
    bool five = view->cr4 & CR4_LA57;
    w->kind = five ? WALK_5 : WALK_4;
    if (!canonical(linear, five ? 57 : 48)) return stop(w, WALK_NOT_CANONICAL);
    return descend(view, w, view->cr3 & ENTRY_ADDRESS, five ? 5 : 4);
}

bool walk_second_stage(const struct view *view, uint64_t guest_physical, struct walk *w) {
    *w = (struct walk){.kind = WALK_EPT, .address = guest_physical, .root = view->eptp, .shift = 12};
    return descend(view, w, view->eptp & ENTRY_ADDRESS, 4);
}

bool walk_own_stage(const struct view *view, unsigned level, uint64_t address, struct walk *w) {
    uint64_t root = view->own_ept[level];
    *w = (struct walk){.kind = WALK_EPT, .address = address, .root = root, .shift = 12, .memory = level - 1};
    return descend(view, w, root & ENTRY_ADDRESS, 4);
}

bool walk_own(const struct view *view, unsigned level, uint64_t address, uint64_t *physical) {
    struct walk w;
    for (; level > 0; level--) {
        if (!view->own_ept[level]) continue;
        if (!walk_own_stage(view, level, address, &w)) return false;
        address = w.result;
    }
    *physical = address;
    return true;
}

bool walk_guest_physical(const struct view *view, uint64_t guest_physical, uint64_t *physical) {
    struct walk w;
    *physical = guest_physical;
    if (!view->eptp) return true;
    if (!walk_second_stage(view, guest_physical, &w))
        return view->has_own_ept && walk_own(view, view->level, guest_physical, physical);
    *physical = w.result;
    return true;
}

bool walk_linear_to_guest(const struct view *view, uint64_t linear, uint64_t *guest_physical) {
    struct walk w;
    if (!walk_first_stage(view, linear, &w)) return false;
    *guest_physical = w.result;
    return true;
}

bool walk_linear(const struct view *view, uint64_t linear, uint64_t *physical) {
    uint64_t guest_physical;
    return walk_linear_to_guest(view, linear, &guest_physical) && walk_guest_physical(view, guest_physical, physical);
}
