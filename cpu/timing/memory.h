// The memory as a core sees it: caches, TLBs, prefetcher, page walks. Latencies are configured (core.def).
#ifndef CPU_TIMING_MEMORY_H
#define CPU_TIMING_MEMORY_H
#include "cpu/memory/tlb.h"
#include "cpu/state/cpu.h"
#include "cpu/timing/cache.h"
#include "cpu/timing/count.h"
#include "cpu/pipeline/pipeline.h"

enum {
    L1D_SETS = 64,
    L1D_WAYS = 12,
    L1I_SETS = 64,
    L1I_WAYS = 8,
    L2_SETS = 2048,
    L2_WAYS = 16,
    L3_SETS = 16384,
    L3_WAYS = 16,
    DTLB_SETS = 16,
    DTLB_WAYS = 6,
    ITLB_SETS = 32,
    ITLB_WAYS = 8,
    STLB_SETS = 128,
    STLB_WAYS = 16,
    STRUCTURE_SETS = 8,
    STRUCTURE_WAYS = 4,
    STREAMS = 16,
    AHEAD = 4, // lines that are fetched before a stream comes to them
};

struct memory_model {
    uint32_t l1d[L1D_SETS * L1D_WAYS], l1i[L1I_SETS * L1I_WAYS], l2[L2_SETS * L2_WAYS], l3[L3_SETS * L3_WAYS];
    uint32_t dtlb[DTLB_SETS * WAYS_ROOM(DTLB_WAYS)], itlb[ITLB_SETS * ITLB_WAYS], stlb[STLB_SETS * STLB_WAYS];
    uint32_t structure[STRUCTURE_SETS * STRUCTURE_WAYS]; // tables of pages that walks begin at
    uint32_t nested[STRUCTURE_SETS * STRUCTURE_WAYS];    // guest-physical pages whose translation is known
    uint64_t stream[STREAMS];                            // the line that a stream of accesses comes to next
    uint64_t next_stream, streamed; // streamed, as bits: the lines before the last one ahead are there already
    // derived: cycles of the walks of the instruction that is passing, in the paging structures and in EPT
    uint32_t walked[2];
    enum timing_count from; // whose cycles the latest access was that waited
};

// Entries are told apart by the generation of what filled them, which is never used again after a flush
// (cpu/memory/tlb.h). Pages of 2 MBytes and more are one entry. What the processor's TLB has forgotten since is taken
// as it is.
ALWAYS_INLINE uint64_t memory_physical(const struct tlb_entry *entry, uint64_t linear, uint64_t *key) {
    bool known = entry->tag == (linear & ~(PAGE_BYTES - 1));
    uint64_t at = known ? entry->page : linear;
    *key = known && at & TLB_LARGE ? (linear >> 21) ^ BIT(27) : linear >> 12;
    if (known) *key ^= entry->generation << 40;
    return (at & TLB_PAGE_MASK) | (linear & (PAGE_BYTES - 1));
}

uint32_t memory_access_rarer(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                             const struct cpu *cpu, uint64_t linear, uint64_t key, uint64_t physical);

// Cycles beyond the L1's, and where the data is. Called after the access: the processor's TLB knows the page.
ALWAYS_INLINE uint32_t memory_access(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                                     const struct cpu *cpu, uint64_t linear, uint64_t *physical) {
    uint64_t key, at = memory_physical(&cpu->tlb->now->data[(linear >> PAGE_SHIFT) & (TLB_DATA - 1)], linear, &key);
    *physical = at;
    counts->of[TIMING_ACCESSES]++;
    bool page = m->dtlb[(key & (DTLB_SETS - 1)) * WAYS_ROOM(DTLB_WAYS)] == tag_of(key + 1);
    bool line = m->l1d[(at >> 6 & (L1D_SETS - 1)) * L1D_WAYS] == tag_of((at >> 6) + 1);
    if (likely(page & line)) return 0;
    return memory_access_rarer(m, counts, core, cpu, linear, key, at);
}
// The same of a line by its physical address.
uint32_t memory_line(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                     const struct cpu *cpu, uint64_t physical);
// Cycles until the line of code at `linear` can be decoded, 0 when it is in the L1.
uint32_t memory_fetch(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                      const struct cpu *cpu, uint64_t linear);

#endif
