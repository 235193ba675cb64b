// Paging: the walk of 32-bit, PAE, 4-level and 5-level structures, accessed and dirty flags, page-fault error codes,
// the paging-structure cache and the second stage. SDM Vol. 3A, chapter 4.
//
// When a cached right does not allow an access, the structures in memory are walked from the top before anything is
// reported, so that an access which they allow never faults; a stale entry that allows too much is used.
// NOT IMPLEMENTED: memory types.
#include "cpu/memory/paging.h"
#include "cpu/memory/access.h"
#include "cpu/state/model.h"
#include "cpu/watch/observe.h"

#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_U BIT(2)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_PS BIT(7)
#define PTE_G BIT(8)
#define PTE_XD BIT(63)
#define PTE_PKEY BITS(62, 59)
#define PTE_PKEY_SHIFT 59
#define PTE_ADDRESS BITS(51, 12)

#define PF_P BIT(0)
#define PF_W BIT(1)
#define PF_U BIT(2)
#define PF_RSVD BIT(3)
#define PF_ID BIT(4)
#define PF_PK BIT(5)

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

static enum outcome page_fault(struct cpu *cpu, const struct walk *w, uint64_t code) {
    const struct translation_access *a = w->access;
    bool id = a->fetch && ((cpu->control.efer & EFER_NXE && cpu->control.cr4 & CR4_PAE) || cpu->control.cr4 & CR4_SMEP);
    code |= (a->write ? PF_W : 0) | (a->class == ACCESS_USER ? PF_U : 0) | (id ? PF_ID : 0);
    return cpu_fault_page(cpu, w->linear, (uint32_t)code);
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

static uint64_t entry_rights(uint64_t entry) {
    return (entry & PTE_W ? TLB_WRITE : 0) | (entry & PTE_U ? TLB_USER : 0) | (entry & PTE_XD ? 0 : TLB_EXECUTE);
}

// Reserved bits of an entry of PAE, 4-level and 5-level paging, SDM Vol. 3A, tables 4-8 to 4-20.
static uint64_t reserved_bits(const struct cpu *cpu, unsigned level, uint64_t entry) {
    uint64_t reserved = BITS(51, 0) & ~(BIT(cpu->wire.model->physical_bits) - 1);
    if (!(cpu->control.efer & EFER_NXE)) reserved |= PTE_XD;
    if (!cpu_long(cpu)) reserved |= BITS(62, 52);
    if (level >= 4) return reserved | PTE_PS;
    if (level == 3 && entry & PTE_PS)
        return reserved | (cpu_model_has(cpu->wire.model, FEATURE_PAGE1GB) ? BITS(29, 13) : PTE_PS);
    if (level == 2 && entry & PTE_PS) return reserved | BITS(20, 13);
    return reserved;
}

// Whether the protection key of a user page forbids a data access, 4.6.2. `page`: TLB_USER and the key.
static bool key_forbids(const struct cpu *cpu, uint64_t page, const struct translation_access *a) {
    if (likely(!(cpu->control.cr4 & CR4_PKE)) || !cpu_long(cpu) || a->fetch || !(page & TLB_USER)) return false;
    unsigned key = page >> TLB_PKEY_SHIFT & 15;
    bool access_disable = cpu->control.pkru >> (2 * key) & 1, write_disable = cpu->control.pkru >> (2 * key + 1) & 1;
    return access_disable || (write_disable && a->write && (a->class == ACCESS_USER || cpu->control.cr0 & CR0_WP));
}

// Whether rights allow the access under the current rules.
static bool allowed(const struct cpu *cpu, uint64_t rights, const struct translation_access *a) {
    bool user_page = rights & TLB_USER;
    if (a->class == ACCESS_USER && !user_page) return false;
    if (a->fetch) {
        if (a->class != ACCESS_USER && user_page && cpu->control.cr4 & CR4_SMEP) return false;
        return rights & TLB_EXECUTE;
    }
    if (a->class == ACCESS_SUPERVISOR && user_page && cpu->control.cr4 & CR4_SMAP) return false;
    if (key_forbids(cpu, rights, a)) return false;
    return !a->write || rights & TLB_WRITE || (a->class != ACCESS_USER && !(cpu->control.cr0 & CR0_WP));
}

// The last step: rights, accessed and dirty flags, the second stage for the page itself.
static enum outcome finish(struct cpu *cpu, struct walk *w, uint64_t frame, unsigned shift, uint64_t *page) {
    const struct translation_access *a = w->access;
    uint64_t key = w->entry_bytes == 8 ? (w->entry & PTE_PKEY) >> PTE_PKEY_SHIFT << TLB_PKEY_SHIFT : 0, flags = 0;
    if (!allowed(cpu, w->rights | key, a))
        return page_fault(cpu, w, PF_P | (key_forbids(cpu, w->rights | key, a) ? PF_PK : 0));
    if (w->entry_bytes) {
        TRY(entry_set(cpu, w, PTE_A | (a->write ? PTE_D : 0)));
        flags = (w->entry & PTE_D ? TLB_DIRTY : 0) | (w->entry & PTE_G && cpu->control.cr4 & CR4_PGE ? TLB_GLOBAL : 0);
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
    if (level == 2) {
        s.tag = w->linear >> 21 << 21;
        *tlb_pde(cpu->tlb, w->linear) = s;
    } else if (level == 3) {
        s.tag = w->linear >> 30 << 30;
        *tlb_pdpte(cpu->tlb, w->linear) = s;
    }
}

// 64-bit entries, from `level` (5, 4, 3 for PAE's table of PDPTEs done already: 2) down to the page.
static enum outcome walk_64(struct cpu *cpu, struct walk *w, unsigned level, uint64_t *page) {
    for (;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        TRY(entry_load(cpu, w, w->table | (w->linear >> shift & 511) << 3, 8));
        if (!(w->entry & PTE_P)) return page_fault(cpu, w, 0);
        if (w->entry & reserved_bits(cpu, level, w->entry)) return page_fault(cpu, w, PF_P | PF_RSVD);
        w->rights &= entry_rights(w->entry);
        if (level == 1 || (w->entry & PTE_PS && level <= 3))
            return finish(cpu, w, w->entry & PTE_ADDRESS & ~(BIT(shift) - 1), shift, page);
        TRY(entry_set(cpu, w, PTE_A));
        w->table = w->entry & PTE_ADDRESS;
        remember(cpu, w, level);
    }
}

// 32-bit paging: 4-byte entries, 4-MByte pages with PSE. SDM Vol. 3A, 4.3.
static enum outcome walk_32(struct cpu *cpu, struct walk *w, uint64_t *page) {
    TRY(entry_load(cpu, w, (cpu->control.cr3 & BITS(31, 12)) | (w->linear >> 22 & 1023) << 2, 4));
    if (!(w->entry & PTE_P)) return page_fault(cpu, w, 0);
    w->rights &= entry_rights(w->entry);
    if (w->entry & PTE_PS && cpu->control.cr4 & CR4_PSE) {
        unsigned bits = cpu->wire.model->physical_bits < 40 ? cpu->wire.model->physical_bits : 40;
        uint64_t high = w->entry >> 13 & (BIT(bits - 32) - 1);
        if (w->entry & BITS(21, 13) & ~(BITS(12 + bits - 32, 13))) return page_fault(cpu, w, PF_P | PF_RSVD);
        return finish(cpu, w, high << 32 | (w->entry & BITS(31, 22)), 22, page);
    }
    TRY(entry_set(cpu, w, PTE_A));
    TRY(entry_load(cpu, w, (w->entry & BITS(31, 12)) | (w->linear >> 12 & 1023) << 2, 4));
    if (!(w->entry & PTE_P)) return page_fault(cpu, w, 0);
    w->rights &= entry_rights(w->entry);
    return finish(cpu, w, w->entry & BITS(31, 12), 12, page);
}

static enum outcome walk_pae(struct cpu *cpu, struct walk *w, uint64_t *page) {
    uint64_t pdpte = cpu->control.pdpte[w->linear >> 30 & 3];
    if (!(pdpte & PTE_P)) return page_fault(cpu, w, 0);
    w->table = pdpte & PTE_ADDRESS;
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
    w->table = cpu->control.cr3 & PTE_ADDRESS;
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
    uint64_t reserved = (BITS(63, 0) & ~(BIT(cpu->wire.model->physical_bits) - 1)) | BITS(8, 5) | BITS(2, 1);
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
        if (w.entry & PTE_P && w.entry & reserved) *valid = false;
        pdpte[i] = w.entry;
    }
    return OUT_OK;
}
