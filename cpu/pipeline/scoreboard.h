// What all instructions do with the scoreboard (pipeline.h): slots of rename and retirement, ports, registers.
// Without branches where the host could not foresee them: this is where the time of a modelled instruction goes.
#ifndef CPU_PIPELINE_SCOREBOARD_H
#define CPU_PIPELINE_SCOREBOARD_H
#include "cpu/state/outcome.h"
#include "cpu/pipeline/pipeline.h"

ALWAYS_INLINE uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

// --- slots: a cycle, and how many of its slots are taken ---

ALWAYS_INLINE uint64_t slot_next(uint64_t last, uint32_t width, uint64_t from) {
    uint64_t next = last + 1, beyond = (last | SLOT_MASK) + 2;
    next = (last & SLOT_MASK) >= width ? beyond : next;
    return later(next, from << SLOT_BITS | 1);
}
ALWAYS_INLINE uint64_t slot_cycle(uint64_t slot) { return slot >> SLOT_BITS; }

// The next slot of the renamer, once the reorder buffer has room.
ALWAYS_INLINE uint64_t rename_slot(struct pipeline *p, const struct core *core) {
    uint64_t retired = slot_cycle(p->retire);
    uint32_t oldest = p->entries[(p->entry - core->reorder_entries) % PIPELINE_ENTRIES];
    p->rename = slot_next(p->rename, core->rename_width, later(p->supplied, retired - ((uint32_t)retired - oldest)));
    return slot_cycle(p->rename);
}

ALWAYS_INLINE void entry_take(struct pipeline *p, uint64_t cycle) {
    p->entries[p->entry++ % PIPELINE_ENTRIES] = (uint32_t)cycle;
}

ALWAYS_INLINE void retire(struct pipeline *p, const struct core *core, uint64_t done) {
    p->retire = slot_next(p->retire, core->retire_width, done);
    p->drained = later(p->drained, done - 1);
    entry_take(p, slot_cycle(p->retire));
}

// All but the last of its micro-operations retire with those before.
ALWAYS_INLINE void supply_more(struct pipeline *p, const struct core *core, unsigned slots) {
    for (; slots > 1; slots--) {
        rename_slot(p, core);
        entry_take(p, slot_cycle(p->retire));
    }
}

// A store waits for room in the store buffer.
ALWAYS_INLINE void store_entry_wait(struct pipeline *p, const struct core *core) {
    uint64_t left = p->stores[(p->store - core->store_entries) % PIPELINE_STORES];
    if (unlikely(left > slot_cycle(p->rename))) p->rename = left << SLOT_BITS | (p->rename & SLOT_MASK);
}

// --- ports ---

// All ones when it holds: for choices that the host could not foresee.
ALWAYS_INLINE uint32_t mask_of(bool holds) { return 0u - (uint32_t)holds; }

// What is taken in a cycle: ports in the lower half of 32 bits, two granules that are loaded in the upper.
ALWAYS_INLINE uint32_t cycle_used(const struct pipeline *p, uint64_t cycle) {
    uint64_t slot = p->taken[cycle % PIPELINE_CYCLES];
    return (uint32_t)slot & mask_of(slot >> 32 == (uint32_t)(cycle / PIPELINE_CYCLES));
}
ALWAYS_INLINE void cycle_set(struct pipeline *p, uint64_t cycle, uint32_t used) {
    p->taken[cycle % PIPELINE_CYCLES] = (cycle / PIPELINE_CYCLES) << 32 | used;
}

// Of the ports that are open one that was not sent to since the others were.
ALWAYS_INLINE uint32_t least_pressed(struct pipeline *p, uint32_t open) {
    uint32_t recent = (uint32_t)p->recent, fresh = open & ~recent, again = open & mask_of(!fresh);
    fresh |= again;
    uint32_t port = fresh & (0u - fresh);
    p->recent = (recent & ~again) | port;
    return port;
}

// The first cycle from `from` on in which one of `ports` is free; it is taken.
ALWAYS_INLINE uint64_t port_take(struct pipeline *p, uint32_t ports, uint64_t from) {
    uint64_t cycle = from;
    uint32_t used;
    while (used = cycle_used(p, cycle), unlikely(!(ports & ~used))) cycle++;
    cycle_set(p, cycle, used | least_pressed(p, ports & ~used));
    return cycle;
}

// Two loads of one granule of 4 bytes in a line can be done in a cycle, whatever the line.
ALWAYS_INLINE uint64_t load_port_take(struct pipeline *p, const struct core *core, uint64_t address, uint64_t from) {
    if (!core->loads_of_granule) return port_take(p, core->load_ports, from);
    uint32_t granule = (address >> 2 & 15) | 0x80, both = granule << 24 | granule << 16, used;
    uint64_t cycle = from;
    while (used = cycle_used(p, cycle), unlikely(!(core->load_ports & ~used) || (used & 0xffff0000) == both)) cycle++;
    uint32_t port = least_pressed(p, core->load_ports & ~used);
    cycle_set(p, cycle, (used & 0xff0000) << 8 | granule << 16 | (used & 0xffff) | port);
    return cycle;
}

// --- registers ---

// When its operands are there; `first`: more for the first.
ALWAYS_INLINE uint64_t operands_ready(const struct pipeline *p, const struct recipe *r, int64_t first) {
    const uint64_t *ready = p->ready;
    uint64_t flags = later(ready[r->flag_source[0]], ready[r->flag_source[1]]);
    uint64_t others = later(later(ready[r->source[1]], ready[r->source[2]]), ready[r->source[3]]);
    return later(later(ready[r->source[0]] + (uint64_t)first, flags), others);
}
// What the sum of immediates that the renamer has added costs a shift.
ALWAYS_INLINE int64_t shift_cycles(const struct pipeline *p, const struct core *core, const struct recipe *r) {
    return core->immediate_shift_cycles & mask_of(p->offset[r->source[0]] != 0);
}
ALWAYS_INLINE uint64_t address_ready(const struct pipeline *p, const struct recipe *r) {
    return later(p->ready[r->base], p->ready[r->index]);
}

ALWAYS_INLINE void set_register(struct pipeline *p, uint8_t reg, uint64_t ready, int64_t offset) {
    p->ready[reg] = ready;
    p->offset[reg] = (int16_t)offset;
    p->version[reg]++;
}

ALWAYS_INLINE void set_flags(struct pipeline *p, const struct recipe *r, uint64_t ready) {
    p->ready[r->flag_target[0]] = ready;
    p->ready[r->flag_target[1]] = ready;
    p->logic[r->flag_target[1]] = (r->kind & RECIPE_LOGIC) != 0;
}

ALWAYS_INLINE void set_results(struct pipeline *p, const struct recipe *r, uint64_t ready) {
    set_register(p, r->target[0], ready, 0);
    set_register(p, r->target[1], ready, 0);
    set_flags(p, r, ready);
}

ALWAYS_INLINE uint64_t logic_cycles(const struct pipeline *p, const struct core *core) {
    return core->logic_flag_cycles & mask_of(p->logic[TIMED_FLAG_Z]);
}

// --- memory (forward.c) ---

static inline struct granule *granule_of(struct pipeline *p, uint64_t address) {
    return &p->granule[(address >> 3) % PIPELINE_GRANULES];
}
static inline bool granule_overlaps(const struct granule *g, uint64_t address, unsigned bytes) {
    return address < g->address + g->bytes && g->address < address + bytes;
}

// When the data of a load that began at `at` is there, a store to the granule may not have left yet. *early: by how
// much it may retire before.
uint64_t forward_result(struct pipeline *p, const struct core *core, const struct recipe *r,
                        const struct memory_answer *memory, const struct granule *g, uint64_t at, uint64_t *early);
// The store leaves for the cache after its instruction has retired.
void forward_commit(struct pipeline *p, const struct recipe *r, const struct memory_answer *memory, uint64_t ready);

ALWAYS_INLINE uint64_t load_latency(const struct core *core, const struct recipe *r, uint32_t base) {
    return base + (r->kind & RECIPE_VECTOR ? core->vector_load_cycles : 0) + (r->kind & RECIPE_EXTENDS ? 1 : 0);
}

ALWAYS_INLINE uint64_t load_done(struct pipeline *p, const struct core *core, const struct recipe *r,
                                 const struct memory_answer *memory, uint64_t from, uint64_t *early) {
    uint64_t at = load_port_take(p, core, memory->address, from);
    if (unlikely(memory->crosses_line)) port_take(p, core->load_ports, at + 1);
    const struct granule *g = granule_of(p, memory->address);
    if (!granule_overlaps(g, memory->address, r->bytes)) g = granule_of(p, memory->address + r->bytes - 1u);
    if (unlikely(g->commit > at && granule_overlaps(g, memory->address, r->bytes)))
        return forward_result(p, core, r, memory, g, at, early);
    return at + load_latency(core, r, core->l1_cycles) + memory->latency;
}

#endif
