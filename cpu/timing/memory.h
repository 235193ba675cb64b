// The memory as a core sees it: caches, TLBs, prefetcher, page walks. Latencies are configured (core.def).
#ifndef CPU_TIMING_MEMORY_H
#define CPU_TIMING_MEMORY_H
#include "cpu/state/cpu.h"
#include "cpu/timing/count.h"
#include "cpu/timing/pipeline.h"

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
};

struct memory_model {
    uint32_t l1d[L1D_SETS * L1D_WAYS], l1i[L1I_SETS * L1I_WAYS], l2[L2_SETS * L2_WAYS], l3[L3_SETS * L3_WAYS];
    uint32_t dtlb[DTLB_SETS * DTLB_WAYS], itlb[ITLB_SETS * ITLB_WAYS], stlb[STLB_SETS * STLB_WAYS];
    uint32_t structure[STRUCTURE_SETS * STRUCTURE_WAYS]; // tables of pages that walks begin at
    uint32_t nested[STRUCTURE_SETS * STRUCTURE_WAYS];    // guest-physical pages whose translation is known
    uint64_t stream[STREAMS];                            // the line that a stream of accesses comes to next
    uint64_t next_stream;
};

// Cycles beyond the L1's, and where the data is. Called after the access: the processor's TLB knows the page.
uint32_t memory_access(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                       const struct cpu *cpu, uint64_t linear, uint64_t *physical);
// The same of a line by its physical address.
uint32_t memory_line(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                     const struct cpu *cpu, uint64_t physical);
// Cycles until the line of code at `linear` can be decoded, 0 when it is in the L1.
uint32_t memory_fetch(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                      const struct cpu *cpu, uint64_t linear);

#endif
