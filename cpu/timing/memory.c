// Accesses through TLBs and caches. A walk is the references that it makes, each through the caches: up to 4 or 5 in
// one dimension, up to 24 in two (SDM Vol. 3C, 28.3); paging-structure caches shorten it.
#include "cpu/timing/memory.h"
#include "cpu/memory/peek.h"
#include "cpu/pages/physical.h"

// --- caches ---

ALWAYS_INLINE bool use(uint32_t *words, unsigned sets, unsigned ways, uint64_t number, bool fill) {
    return ways_use(words + (number & (sets - 1)) * WAYS_ROOM(ways), ways, tag_of(number + 1), fill);
}

// Lines that accesses in ascending or descending order will want: they are brought into the L2.
static void prefetch(struct memory_model *m, uint64_t line) {
    for (unsigned i = 0; i < STREAMS; i++) {
        if (m->stream[i] != line) continue;
        for (unsigned ahead = m->streamed >> i & 1 ? AHEAD : 1; ahead <= AHEAD; ahead++) {
            use(m->l2, L2_SETS, L2_WAYS, line + ahead, true);
            use(m->l3, L3_SETS, L3_WAYS, line + ahead, true);
        }
        m->streamed |= BIT(i);
        m->stream[i] = line + 1;
        return;
    }
    m->streamed &= ~BIT(m->next_stream % STREAMS);
    m->stream[m->next_stream++ % STREAMS] = line + 1;
}

static COLD uint32_t beyond_l1(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                               uint64_t line) {
    prefetch(m, line);
    m->from = CYCLES_L2;
    if (use(m->l2, L2_SETS, L2_WAYS, line, true)) return core->l2_cycles;
    counts->of[TIMING_L2_MISSES]++;
    m->from = CYCLES_L3;
    if (use(m->l3, L3_SETS, L3_WAYS, line, true)) return core->l3_cycles;
    counts->of[TIMING_L3_MISSES]++;
    m->from = CYCLES_MEMORY;
    return core->memory_cycles;
}

// No memory is there: the local APIC's page, which lies in the core, or a device.
static uint32_t uncached(struct memory_model *m, const struct core *core, uint64_t physical) {
    m->from = CYCLES_DEVICES;
    bool apic = physical >> 12 == 0xfee00;
    return apic ? core->apic_cycles : core->uncached_cycles;
}

ALWAYS_INLINE uint32_t line_cycles(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                                   const struct cpu *cpu, uint64_t physical) {
    uint64_t line = physical >> 6;
    if (likely(use(m->l1d, L1D_SETS, L1D_WAYS, line, false))) return 0;
    if (!frame_exists(physical_frame(cpu, physical & TLB_PAGE_MASK))) return uncached(m, core, physical);
    use(m->l1d, L1D_SETS, L1D_WAYS, line, true);
    counts->of[TIMING_L1_MISSES]++;
    return beyond_l1(m, counts, core, line);
}

uint32_t memory_line(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                     const struct cpu *cpu, uint64_t physical) {
    return line_cycles(m, counts, core, cpu, physical);
}

// --- walks ---

struct walk {
    struct memory_model *m;
    struct timing_counts *counts;
    const struct core *core;
    const struct cpu *cpu;
    uint32_t cycles[2]; // in the paging structures, in EPT
};

static uint64_t entry_read(struct walk *w, uint64_t at, bool nested) {
    uint64_t entry = 0;
    w->counts->of[nested ? TIMING_NESTED_REFERENCES : TIMING_REFERENCES]++;
    w->cycles[nested] += w->core->l1_cycles + line_cycles(w->m, w->counts, w->core, w->cpu, at);
    return peek_memory(w->cpu, at, 8, &entry) ? entry : 0;
}

enum { LARGE_PAGE = 1 << 7 };

// Through EPT, whose format of addresses is that of page tables.
static uint64_t nested_walk(struct walk *w, uint64_t guest) {
    if (!w->cpu->second_stage) return guest;
    uint64_t table = w->cpu->eptp & BITS(51, 12);
    unsigned level = 4, shift = 12;
    if (use(w->m->nested, STRUCTURE_SETS, STRUCTURE_WAYS, guest >> 12 ^ table << 20, true)) {
        uint64_t physical;
        return peek_guest_physical(w->cpu, w->cpu->eptp, guest, &physical) ? physical : guest;
    }
    for (;; level--) {
        shift = 12 + 9 * (level - 1);
        uint64_t entry = entry_read(w, table + 8 * (guest >> shift & 511), true);
        if (!(entry & 7)) return guest;
        table = entry & BITS(51, 12);
        if (level == 1 || entry & LARGE_PAGE) break;
    }
    return (table & ~(BIT(shift) - 1)) | (guest & (BIT(shift) - 1));
}

static uint64_t structure_key(const struct walk *w, uint64_t linear, unsigned level) {
    const struct tlb *tlb = w->cpu->tlb;
    return ((linear >> (12 + 9 * level)) << 3 | level) ^ tlb->context[tlb->current].pde_generation << 24;
}

// Where the walk begins: the lowest table that the paging-structure caches know.
static unsigned first_level(struct walk *w, uint64_t linear, unsigned top) {
    for (unsigned level = 1; level < top; level++) {
        if (use(w->m->structure, STRUCTURE_SETS, STRUCTURE_WAYS, structure_key(w, linear, level), false)) return level;
    }
    return top;
}

static void structure_fill(struct walk *w, uint64_t linear, unsigned level) {
    use(w->m->structure, STRUCTURE_SETS, STRUCTURE_WAYS, structure_key(w, linear, level), true);
}

// Tables above the first one are read without being counted: the caches know what is in them.
static void walk(struct walk *w, uint64_t linear) {
    const struct cpu *cpu = w->cpu;
    bool paging = cpu->control.cr0 & CR0_PG;
    w->counts->of[TIMING_WALKS] += paging || cpu->second_stage;
    if (!paging) {
        nested_walk(w, linear);
        return;
    }
    unsigned top = !cpu_long(cpu) ? 2 : cpu->control.cr4 & CR4_LA57 ? 5 : 4, first = first_level(w, linear, top);
    if (!cpu_long(cpu)) {
        w->cycles[0] = 2 * w->core->l1_cycles;
        return;
    }
    uint64_t table = cpu->control.cr3 & BITS(51, 12);
    for (unsigned level = top; level >= 1; level--) {
        uint64_t at = table + 8 * (linear >> (12 + 9 * (level - 1)) & 511), entry = 0;
        if (level <= first)
            entry = entry_read(w, nested_walk(w, at), false);
        else if (!cpu->second_stage || peek_guest_physical(cpu, cpu->eptp, at, &at))
            (void)peek_memory(cpu, at, 8, &entry);
        if (!(entry & 1)) break;
        table = entry & BITS(51, 12);
        if (level == 1 || (level <= 3 && entry & LARGE_PAGE)) {
            nested_walk(w, table | (linear & 0xfff));
            break;
        }
        structure_fill(w, linear, level - 1);
    }
}

static COLD uint32_t beyond_first_tlb(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                                      const struct cpu *cpu, uint64_t linear, uint64_t key) {
    if (use(m->stlb, STLB_SETS, STLB_WAYS, key, true)) {
        counts->of[TIMING_STLB_HITS]++;
        return core->stlb_cycles;
    }
    struct walk w = {m, counts, core, cpu, {0}};
    walk(&w, linear);
    m->walked[0] += w.cycles[0], m->walked[1] += w.cycles[1];
    return core->stlb_cycles + w.cycles[0] + w.cycles[1];
}

// --- translation ---

uint32_t memory_access_rarer(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                             const struct cpu *cpu, uint64_t linear, uint64_t key, uint64_t physical) {
    uint32_t cycles = 0;
    if (!use(m->dtlb, DTLB_SETS, DTLB_WAYS, key, true)) cycles = beyond_first_tlb(m, counts, core, cpu, linear, key);
    m->from = CYCLES_TRANSLATIONS;
    return cycles + line_cycles(m, counts, core, cpu, physical);
}

uint32_t memory_fetch(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                      const struct cpu *cpu, uint64_t linear) {
    uint64_t key;
    uint64_t physical = memory_physical(&cpu->tlb->now->fetch[(linear >> PAGE_SHIFT) & (TLB_FETCH - 1)], linear, &key);
    uint32_t cycles = 0;
    if (unlikely(!use(m->itlb, ITLB_SETS, ITLB_WAYS, key, true)))
        cycles = beyond_first_tlb(m, counts, core, cpu, linear, key);
    if (likely(use(m->l1i, L1I_SETS, L1I_WAYS, physical >> 6, true))) return cycles;
    counts->of[TIMING_CODE_MISSES]++;
    return cycles + beyond_l1(m, counts, core, physical >> 6);
}
