// Paging: the walk of 32-bit, PAE, 4-level and 5-level structures, accessed and dirty flags, page-fault error codes,
// the paging-structure cache and the second stage. SDM Vol. 3A, chapter 4.
//
// When a cached right does not allow an access, the structures in memory are walked from the top before anything is
// reported, so that an access which they allow never faults; a stale entry that allows too much is used.
// NOT IMPLEMENTED: memory types.
#include "cpu/memory/paging.h"
#include "cpu/memory/access.h"
#include "cpu/memory/rights.h"
#include "cpu/state/invariant.h"
#include "cpu/watch/observe.h"

struct walk {
    uint64_t linear;
    const struct translation_access *access;
    struct translation_access unprotected; // the same access without page-level protection (CR0.PG is 0)
    uint64_t rights;                       // TLB_WRITE, TLB_USER, TLB_EXECUTE of the entries so far
    uint64_t table;                        // (guest-)physical address of the next table
    uint64_t entry;                        // last entry read
    uint64_t entry_at;                     // its (guest-)physical address
    unsigned entry_bytes;
};

static enum outcome page_fault(struct cpu *cpu, const struct walk *w, struct page_fault_cause cause) {
    const struct paging_rules rules = paging_rules_of(cpu);
    return cpu_fault_page(cpu, w->linear, page_fault_code(&rules, w->access, &cause));
}
static enum outcome not_present(struct cpu *cpu, const struct walk *w) {
    return page_fault(cpu, w, (struct page_fault_cause){0});
}
static enum outcome reserved_bit(struct cpu *cpu, const struct walk *w) {
    return page_fault(cpu, w, (struct page_fault_cause){.found = true, .reserved = true});
}

// Guest-physical to physical for a paging-structure entry.
static enum outcome entry_physical(struct cpu *cpu, const struct walk *w, uint64_t at, bool write, uint64_t *physical) {
    *physical = at;
    if (!cpu->second_stage) return OUT_OK;
    struct second_stage_access access = {.linear = w->linear, .linear_valid = true, .write = write, .page_walk = true};
    struct second_stage_result result;
    TRY(cpu->second_stage(cpu, at, &access, &result));
    *physical = (result.page & TLB_PAGE_MASK) | (at & (PAGE_BYTES - 1));
    return OUT_OK;
}

static enum outcome entry_load(struct cpu *cpu, struct walk *w, uint64_t at, unsigned bytes) {
    uint64_t physical = 0;
    TRY(entry_physical(cpu, w, at, false, &physical));
    TRY(walk_load(cpu, physical, bytes * 8, &w->entry));
    OBSERVE_TELL(cpu, NULL, WALK, .number = 1, .size = (uint8_t)bytes, .value = w->entry, .linear = w->linear,
                 .physical = physical);
    w->entry_at = at;
    w->entry_bytes = bytes;
    return OUT_OK;
}

static enum outcome entry_set(struct cpu *cpu, struct walk *w, uint64_t bits) {
    if ((w->entry & bits) == bits) return OUT_OK;
    uint64_t physical = 0;
    TRY(entry_physical(cpu, w, w->entry_at, true, &physical));
    w->entry |= bits;
    physical_store(cpu, physical, w->entry_bytes * 8, w->entry);
    return OUT_OK;
}

static bool allowed(const struct cpu *cpu, uint64_t rights, const struct translation_access *access) {
    const struct paging_rules rules = paging_rules_of(cpu);
    return access_permitted(&rules, rights, access);
}

static enum outcome forbidden(struct cpu *cpu, const struct walk *w, uint64_t rights) {
    const struct paging_rules rules = paging_rules_of(cpu);
    return page_fault(cpu, w, access_forbidden(&rules, rights, w->access));
}

// The last step: rights, accessed and dirty flags, the second stage for the page itself.
static enum outcome finish(struct cpu *cpu, struct walk *w, uint64_t frame, unsigned shift, uint64_t *page) {
    const struct translation_access *a = w->access;
    uint64_t key = w->entry_bytes == 8 ? entry_key(w->entry) : 0, flags = 0;
    if (!allowed(cpu, w->rights | key, a)) return forbidden(cpu, w, w->rights | key);
    if (w->entry_bytes) {
        TRY(entry_set(cpu, w, ENTRY_BIT_A | (a->write ? ENTRY_BIT_D : 0)));
        flags = (w->entry & ENTRY_BIT_D ? TLB_DIRTY : 0) |
                (w->entry & ENTRY_BIT_G && cpu->control.cr4 & CR4_PGE ? TLB_GLOBAL : 0);
    } else {
        flags = TLB_DIRTY;
    }
    flags |= key;
    if (shift > PAGE_SHIFT) flags |= shift > 21 ? TLB_LARGE | TLB_HUGE : TLB_LARGE;
    uint64_t physical = frame | (w->linear & (BIT(shift) - 1) & ~(PAGE_BYTES - 1));
    if (!cpu->second_stage) {
        *page = physical | w->rights | flags | TLB_STAGE2_WRITE;
        return OUT_OK;
    }
    struct second_stage_access access = {
        .linear = w->linear, .linear_valid = true, .write = a->write, .fetch = a->fetch, .rights = w->rights};
    struct second_stage_result result;
    TRY(cpu->second_stage(cpu, physical | (w->linear & (PAGE_BYTES - 1)), &access, &result));
    if (!(result.page & TLB_DIRTY)) flags &= ~TLB_DIRTY;
    uint64_t rights = result.page & TLB_EXECUTE ? w->rights : w->rights & ~TLB_EXECUTE;
    *page = (result.page & TLB_PAGE_MASK) | rights | flags | (result.page & TLB_WRITE ? TLB_STAGE2_WRITE : 0);
    return OUT_OK;
}

#define RIGHTS (TLB_WRITE | TLB_USER | TLB_EXECUTE)

static bool cached(const struct cpu *cpu, const struct tlb_structure *s, uint64_t tag, struct walk *w) {
    if (s->tag != tag || s->generation != cpu->tlb->context[cpu->tlb->current].pde_generation) return false;
    w->table = s->table & TLB_PAGE_MASK;
    w->rights = s->table & RIGHTS;
    return true;
}

// The level of the table that a cached entry leads to; 0: none.
static unsigned cached_level(const struct cpu *cpu, struct walk *w) {
    if (cached(cpu, tlb_pde(cpu->tlb, w->linear), w->linear >> 21 << 21, w)) return 1;
    return cached(cpu, tlb_pdpte(cpu->tlb, w->linear), w->linear >> 30 << 30, w) ? 2 : 0;
}

// PAE's PDPTEs are in registers already.
static void remember(struct cpu *cpu, const struct walk *w, unsigned level) {
    struct tlb_structure s = {.table = w->table | w->rights,
                              .generation = cpu->tlb->context[cpu->tlb->current].pde_generation};
    INVARIANT(s.generation < cpu->tlb->next_generation);
    if (level == 2) {
        s.tag = w->linear >> 21 << 21;
        *tlb_pde(cpu->tlb, w->linear) = s;
    } else if (level == 3) {
        s.tag = w->linear >> 30 << 30;
        *tlb_pdpte(cpu->tlb, w->linear) = s;
    }
}

static bool sets_reserved(const struct cpu *cpu, enum entry_kind kind, uint64_t entry) {
    const struct paging_rules rules = paging_rules_of(cpu);
    return entry & entry_reserved(kind, &rules);
}

// 64-bit entries, from `level` (5, 4, 3 for PAE's table of PDPTEs done already: 2) down to the page.
static enum outcome walk_64(struct cpu *cpu, struct walk *w, unsigned level, uint64_t *page) {
    for (;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        TRY(entry_load(cpu, w, w->table | (w->linear >> shift & 511) << 3, 8));
        if (!entry_present(w->entry)) return not_present(cpu, w);
        enum entry_kind kind = entry_kind_64(!cpu_long(cpu), level, w->entry);
        if (sets_reserved(cpu, kind, w->entry)) return reserved_bit(cpu, w);
        w->rights &= entry_rights(w->entry);
        if (entry_maps(kind)) return finish(cpu, w, entry_frame(kind, w->entry, shift), shift, page);
        TRY(entry_set(cpu, w, ENTRY_BIT_A));
        w->table = w->entry & ENTRY_ADDRESS;
        remember(cpu, w, level);
    }
}

// 32-bit paging: 4-byte entries, 4-MByte pages with PSE. SDM Vol. 3A, 4.3.
static enum outcome walk_32(struct cpu *cpu, struct walk *w, uint64_t *page) {
    w->table = cpu->control.cr3 & BITS(31, 12);
    for (unsigned level = 2;; level--) {
        unsigned shift = 12 + 10 * (level - 1);
        TRY(entry_load(cpu, w, w->table | (w->linear >> shift & 1023) << 2, 4));
        if (!entry_present(w->entry)) return not_present(cpu, w);
        enum entry_kind kind = entry_kind_32(level, w->entry, cpu->control.cr4);
        if (sets_reserved(cpu, kind, w->entry)) return reserved_bit(cpu, w);
        w->rights &= entry_rights(w->entry);
        if (entry_maps(kind)) return finish(cpu, w, entry_frame(kind, w->entry, shift), shift, page);
        TRY(entry_set(cpu, w, ENTRY_BIT_A));
        w->table = w->entry & BITS(31, 12);
    }
}

static enum outcome walk_pae(struct cpu *cpu, struct walk *w, uint64_t *page) {
    uint64_t pdpte = cpu->control.pdpte[w->linear >> 30 & 3];
    if (!entry_present(pdpte)) return not_present(cpu, w);
    w->table = pdpte & ENTRY_ADDRESS;
    return walk_64(cpu, w, 2, page);
}

static enum outcome walk(struct cpu *cpu, struct walk *w, uint64_t *page) {
    if (!(cpu->control.cr0 & CR0_PG)) {
        w->rights = RIGHTS;
        w->unprotected = (struct translation_access){ACCESS_USER, w->access->write, w->access->fetch};
        w->access = &w->unprotected;
        return finish(cpu, w, w->linear & ~(PAGE_BYTES - 1), PAGE_SHIFT, page);
    }
    if (!(cpu->control.cr4 & CR4_PAE)) return walk_32(cpu, w, page);
    unsigned level = cached_level(cpu, w);
    if (level) {
        enum outcome outcome = walk_64(cpu, w, level, page);
        if (likely(outcome != OUT_FAULT) || cpu->attempt.fault.vector != VECTOR_PF)
            return outcome;                // #VE is the second stage's
        tlb_drop_faulting(cpu, w->linear); // what was cached may be to blame
        w->rights = RIGHTS;
    }
    if (!cpu_long(cpu)) return walk_pae(cpu, w, page);
    w->table = cpu->control.cr3 & ENTRY_ADDRESS;
    return walk_64(cpu, w, cpu->control.cr4 & CR4_LA57 ? 5 : 4, page);
}

static bool entry_serves(const struct cpu *cpu, const struct tlb_entry *e, uint64_t linear,
                         const struct translation_access *a) {
    if (!tlb_entry_valid(cpu, e, linear)) return false;
    if (a->write && (e->page & (TLB_DIRTY | TLB_STAGE2_WRITE)) != (TLB_DIRTY | TLB_STAGE2_WRITE)) return false;
    return !(cpu->control.cr0 & CR0_PG) || allowed(cpu, e->page, a);
}

enum outcome translate(struct cpu *cpu, uint64_t linear, const struct translation_access *access, uint64_t *page) {
    const struct tlb_bank *bank = cpu->tlb->now;
    uint64_t number = linear >> PAGE_SHIFT;
    cpu->tlb->asked[access->fetch]++;
    const struct tlb_entry *e = access->fetch ? &bank->fetch[number % TLB_FETCH] : &bank->data[number % TLB_DATA];
    if (likely(entry_serves(cpu, e, linear, access))) {
        *page = e->page;
        return OUT_OK;
    }
    e += access->fetch ? TLB_FETCH : TLB_DATA;
    if (entry_serves(cpu, e, linear, access)) {
        *page = e->page;
        tlb_exchange(cpu, linear, access->fetch);
        return OUT_OK;
    }
    struct walk w = {.linear = linear, .access = access, .rights = RIGHTS};
    enum outcome outcome = walk(cpu, &w, page);
    if (unlikely(outcome != OUT_OK)) {
        if (outcome == OUT_FAULT && cpu->attempt.fault.vector == VECTOR_PF) tlb_drop_faulting(cpu, linear);
        return outcome;
    }
    if (unlikely(cpu->intercepts.apic_access == ((*page & TLB_PAGE_MASK) | 1))) *page |= TLB_APIC;
    tlb_fill(cpu, linear, access->fetch, *page);
    return OUT_OK;
}

enum outcome paging_load_pdptes(struct cpu *cpu, uint64_t cr3, uint64_t pdpte[4], bool *valid) {
    struct translation_access access = {.class = ACCESS_SUPERVISOR_ANY};
    struct walk w = {.access = &access};
    const struct paging_rules rules = paging_rules_of(cpu);
    uint64_t reserved = entry_reserved(ENTRY_PDPTE_PAE, &rules);
    *valid = true;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t at = (cr3 & BITS(31, 5)) + 8 * i, physical = at;
        if (cpu->second_stage) {
            struct second_stage_access second = {.linear_valid = false, .page_walk = true};
            struct second_stage_result result;
            TRY(cpu->second_stage(cpu, at, &second, &result));
            physical = (result.page & TLB_PAGE_MASK) | (at & (PAGE_BYTES - 1));
        }
        w.entry = physical_load(cpu, physical, 64);
        if (entry_present(w.entry) && w.entry & reserved) *valid = false;
        pdpte[i] = w.entry;
    }
    return OUT_OK;
}
