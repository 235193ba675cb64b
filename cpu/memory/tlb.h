// The translation lookaside buffer and the paging-structure caches, modelled with the staleness that SDM Vol. 3A, 4.10
// and Vol. 3C, 28.4 permit: architectural, of fixed geometry, filled and aged by the guest's own accesses only.
// Beside every entry lies a derived fast entry with a host pointer; it may be dropped at any time.
//
// Each index has two entries, of which the first is the one used last: [i] and [i + TLB_DATA], so that two pages whose
// numbers end alike, the source and the target of a copy, do not evict each other at each access. An access to what the
// second holds exchanges the two; fast paths look at the first alone, whose use changes nothing.
#ifndef CPU_TLB_H
#define CPU_TLB_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>

struct page_frame;

struct cpu;
struct code_page;
struct state_table;

enum {
    TLB_BANKS = 4,   // bank 0: VPID 0; others by VPID, so that a guest and its host do not evict each other
    TLB_DATA = 2048, // indices a bank, by linear page number, each with TLB_WAYS entries
    TLB_FETCH = 512,
    TLB_WAYS = 2,
    TLB_CONTEXTS = 64, // (VPID, EPTP, PCID) triples remembered
    TLB_PDE = 128,     // paging-structure cache entries a bank: linear address bits 63:21 to a page table
    TLB_PDPTE = 32,    // and bits 63:30 to a page directory
    TLB_REGIONS = 512,
    TLB_HINTS = 64,
};

// An entry holds a 4-KByte translation; pages of 2 MBytes and more are cached in pieces, as the SDM permits.
struct tlb_entry {
    uint64_t tag;        // linear page number << 12; 1 when never used
    uint64_t generation; // of the context that filled it; never reused, so that a flush is one new number
    uint64_t page;       // physical page address | TLB_ bits below
};
#define TLB_WRITE BIT(0)   // every R/W flag of the walk is 1
#define TLB_USER BIT(1)    // every U/S flag of the walk is 1
#define TLB_EXECUTE BIT(2) // no XD flag of the walk is 1
#define TLB_DIRTY BIT(3)   // the dirty flag is set (in guest and EPT entries, as far as they have one)
#define TLB_GLOBAL BIT(4)
#define TLB_LARGE BIT(5)        // from a page larger than 4 KBytes
#define TLB_STAGE2_WRITE BIT(6) // the second stage allows writes (1 without one)
#define TLB_HUGE BIT(7)         // with TLB_LARGE: from a page larger than 2 MBytes
#define TLB_APIC BIT(62)        // the page is the APIC-access page of VT-x: every access asks cpu->intercepts.apic
#define TLB_PAGE_MASK BITS(51, 12)
// Bits 55:52 hold the protection key.
#define TLB_PKEY_SHIFT 52
#define TLB_PCID_NONE 0xffff // the context while CR0.PG is 0

// A paging-structure-cache entry: the PDE or PDPTE that references the next table, with the rights of the walk so far.
struct tlb_structure {
    uint64_t tag; // linear address bits 63:21 or 63:30, or 1
    uint64_t generation;
    uint64_t table; // (guest-)physical address of the next table | TLB_ rights
};

struct tlb_context {
    uint64_t eptp;              // EPTP bits 51:12 | 1 when EPT is on; 0 otherwise
    uint64_t generation;        // entries of this context carry it
    uint64_t global_generation; // global translations of this VPID and EPTP carry it
    uint64_t pde_generation;
    uint16_t vpid, pcid;
    uint32_t used; // 0: a free slot
};

struct tlb_fast {         // derived
    uint64_t read, write; // (linear page | fast context) when such accesses need no check; ~0 otherwise
    uintptr_t addend;     // host address - linear address
    uint64_t unused;
};
struct tlb_fetch_fast { // derived
    uint64_t tag;       // (linear page | fast context)
    struct code_page *page;
};

struct tlb_bank {
    struct tlb_entry data[TLB_WAYS * TLB_DATA];
    struct tlb_entry fetch[TLB_WAYS * TLB_FETCH];
    struct tlb_structure pde[TLB_PDE];
    struct tlb_structure pdpte[TLB_PDPTE];
};
struct tlb_bank_fast {
    struct tlb_fast data[TLB_WAYS * TLB_DATA];
    struct tlb_fetch_fast fetch[TLB_WAYS * TLB_FETCH];
};

struct tlb {
    // architectural
    struct tlb_bank bank[TLB_BANKS];
    struct tlb_context context[TLB_CONTEXTS];
    uint64_t next_generation;
    uint32_t next_context; // the slot replaced next (first in, first out)
    uint32_t current;      // slot of the context in use
    // Pieces of pages of 2 MBytes that a bank has, by hash(linear >> 21), and of larger ones, by hash(linear >> 30).
    uint16_t large[TLB_BANKS][TLB_REGIONS], huge[TLB_BANKS][TLB_REGIONS];
    // derived
    struct tlb_bank *now; // of the current VPID
    struct tlb_bank_fast fast[TLB_BANKS];
    bool reached[TLB_BANKS];                // it was current since its fast entries were empty
    uint16_t fast_context[TLB_CONTEXTS][3]; // [slot][access class]: 12-bit number in fast tags; 0: none yet
    uint64_t fast_rules[TLB_CONTEXTS];      // the rules of access under which a slot has its numbers
    uint8_t slot_hint[TLB_HINTS];           // where context_find looks first
    uint16_t next_fast_context;
    uint64_t asked[2], filled[2]; // statistics: translations beyond the fast entries; those that walked. [1]: fetches
};

extern const struct state_table cpu_tlb_state; // over struct tlb

// What a processor does to the TLB. Each may drop more than it must, as the SDM allows.
void tlb_reset(struct cpu *cpu);                            // power-up, INIT
void tlb_select(struct cpu *cpu);                           // VPID, EPTP or PCID may have changed: find the context
void tlb_invalidate_page(struct cpu *cpu, uint64_t linear); // INVLPG in the current context
void tlb_invalidate_address(struct cpu *cpu, uint16_t vpid, uint16_t pcid, bool any_pcid, uint64_t linear);
void tlb_flush_context(struct cpu *cpu, uint16_t vpid, uint16_t pcid); // one PCID, not its global translations
void tlb_flush_vpid(struct cpu *cpu, uint16_t vpid, bool globals);     // all PCIDs of one VPID
void tlb_flush_all_vpids(struct cpu *cpu);                             // every VPID but 0
void tlb_flush_eptp(struct cpu *cpu, uint64_t eptp);                   // combined mappings of one EPTP (bits 51:12)
void tlb_flush_all_eptps(struct cpu *cpu);
void tlb_drop_fast(struct cpu *cpu);                               // forget derived state: no visible effect
void tlb_drop_writes(struct cpu *cpu);                             // write tags alone
void tlb_drop_fast_linear(struct cpu *cpu, uint64_t linear);       // of one linear page, in all contexts
void tlb_drop_fast_page(struct cpu *cpu, struct page_frame frame); // of one page of memory

// --- for cpu/memory/paging.c, cpu/memory/memory.c and cpu/engine/block.c ---
enum access_class { ACCESS_SUPERVISOR, ACCESS_SUPERVISOR_ANY /* user pages too: SMAP off or AC set */, ACCESS_USER };
enum access_class tlb_access_class(const struct cpu *cpu);
void tlb_contexts_update(struct cpu *cpu); // privilege, WP, SMEP, SMAP, AC or NXE may have changed
void tlb_share_globals(struct tlb *tlb);
// Where the bank in use keeps what references the page table, the page directory of an address.
ALWAYS_INLINE struct tlb_structure *tlb_pde(const struct tlb *tlb, uint64_t linear) {
    return &tlb->now->pde[(linear >> 21) % TLB_PDE];
}
ALWAYS_INLINE struct tlb_structure *tlb_pdpte(const struct tlb *tlb, uint64_t linear) {
    return &tlb->now->pdpte[(linear >> 30) % TLB_PDPTE];
}
bool tlb_entry_valid(const struct cpu *cpu, const struct tlb_entry *entry, uint64_t linear);
// The second entry of the address's index becomes the first: its page is accessed.
void tlb_exchange(struct cpu *cpu, uint64_t linear, bool fetch);
void tlb_fill(struct cpu *cpu, uint64_t linear, bool fetch, uint64_t page);
void tlb_drop_faulting(struct cpu *cpu, uint64_t linear); // what a page fault invalidates, SDM Vol. 3A, 4.10.4.1

#endif
