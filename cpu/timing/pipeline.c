// One instruction passes the pipeline: supplied, renamed, executed, retired.
#include "cpu/timing/pipeline.h"
#include "cpu/state/outcome.h"

// Slots of the renamer: a load goes with the instruction's first micro-operation, a store's two parts go together.
static void slots_count(struct work *work) {
    for (unsigned kind = 0; kind < 4; kind++) {
        unsigned own = work->micro_ops ? work->micro_ops : kind & RECIPE_LOAD ? 1 : 0;
        unsigned slots = own + (kind & RECIPE_STORE ? 1 : 0);
        work->slots[kind] = (uint16_t)(slots ? slots : 1);
    }
}

void core_read(enum core_kind kind, struct core *out) {
#define CORE(name, golden_cove, skylake, text, source) out->name = kind == GOLDEN_COVE ? golden_cove : skylake;
#include "cpu/timing/core.def"
#undef CORE
    for (unsigned i = 0; i < micro_ops_count; i++) micro_ops_read(i, kind, &out->work[i]);
    out->work[micro_ops_count] = (struct work){
        .group = {{kind == GOLDEN_COVE ? 0x463 : 0x63, 1, 1, false}}, .groups = 1, .latency = 1, .micro_ops = 1};
    for (unsigned i = 0; i <= micro_ops_count; i++) slots_count(&out->work[i]);
}

ALWAYS_INLINE uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

// --- rename ---

// The next slot of the renamer, once the reorder buffer has room.
ALWAYS_INLINE uint64_t rename_slot(struct pipeline *p, const struct core *core) {
    uint64_t oldest = p->entries[(p->entry - core->reorder_entries) % PIPELINE_ENTRIES];
    uint64_t cycle = later(p->renamed, later(p->supplied, oldest));
    if (cycle == p->renamed && p->rename_slots >= core->rename_width) cycle++;
    if (cycle != p->renamed) p->rename_slots = 0;
    p->renamed = cycle;
    p->rename_slots++;
    return cycle;
}

ALWAYS_INLINE void retire(struct pipeline *p, const struct core *core, uint64_t done) {
    uint64_t cycle = later(p->retired, done);
    if (cycle == p->retired && p->retire_slots >= core->retire_width) cycle++;
    if (cycle != p->retired) p->retire_slots = 0;
    p->retired = cycle;
    p->retire_slots++;
    p->entries[p->entry++ % PIPELINE_ENTRIES] = cycle;
}

// --- ports ---

// Of the ports that are open one that was not sent to since the others were.
ALWAYS_INLINE uint32_t least_pressed(struct pipeline *p, uint32_t open) {
    uint32_t fresh = open & ~(uint32_t)p->recent;
    p->recent = fresh ? p->recent : p->recent & ~(uint64_t)open;
    fresh = fresh ? fresh : open;
    uint32_t port = 1u << (31 - __builtin_clz(fresh));
    p->recent |= port;
    return port;
}

// The first cycle from `from` on in which one of `ports` is free; it is taken for `busy` cycles.
ALWAYS_INLINE uint64_t port_take(struct pipeline *p, uint32_t ports, unsigned busy, uint64_t from) {
    uint64_t cycle = from, used;
    for (;; cycle++) {
        uint64_t slot = p->taken[cycle % PIPELINE_CYCLES];
        used = slot >> 16 == cycle ? slot & 0xffff : 0;
        if (likely(ports & ~used)) break;
    }
    uint32_t open = ports & ~(uint32_t)used, port = least_pressed(p, open);
    p->taken[cycle % PIPELINE_CYCLES] = cycle << 16 | used | port;
    for (unsigned i = 1; unlikely(i < busy); i++) {
        uint64_t *slot = &p->taken[(cycle + i) % PIPELINE_CYCLES];
        if (*slot >> 16 != cycle + i) *slot = (cycle + i) << 16;
        *slot |= port;
    }
    return cycle;
}

// Two loads of one granule of 4 bytes in a line can be done in a cycle, whatever the line.
static bool granule_open(struct pipeline *p, uint64_t cycle, uint64_t granule) {
    uint64_t *slot = &p->loaded[cycle % PIPELINE_CYCLES];
    if (*slot >> 16 != cycle) *slot = cycle << 16;
    uint64_t mark = granule | 0x80;
    if ((*slot & 0xff) == mark && (*slot >> 8 & 0xff) == mark) return false;
    *slot = (*slot & ~0xffffull) | (*slot & 0xff) << 8 | mark;
    return true;
}

static uint64_t load_take(struct pipeline *p, const struct core *core, uint64_t address, uint64_t from) {
    if (!core->loads_of_granule) return port_take(p, core->load_ports, 1, from);
    for (uint64_t cycle = from;; cycle++) {
        uint64_t slot = p->taken[cycle % PIPELINE_CYCLES];
        bool open = slot >> 16 != cycle || core->load_ports & ~slot & 0xffff;
        if (open && granule_open(p, cycle, address >> 2 & 15)) return port_take(p, core->load_ports, 1, cycle);
    }
}

// All of an instruction's own micro-operations; returns when the first began.
ALWAYS_INLINE uint64_t execute(struct pipeline *p, const struct work *work, uint32_t ports, uint64_t from,
                               uint64_t *last) {
    if (likely(work->groups == 1 && work->group[0].count == 1))
        return *last = port_take(p, ports ? ports : work->group[0].ports, work->group[0].busy, from);
    uint64_t first = 0;
    *last = from;
    for (unsigned g = 0; g < work->groups; g++) {
        const struct work_group *group = &work->group[g];
        uint64_t start = group->after ? *last + 1 : from;
        for (unsigned i = 0; i < group->count; i++) {
            uint64_t at = port_take(p, ports ? ports : group->ports, group->busy, start);
            if (g == 0 && i == 0) first = at;
            *last = later(*last, at);
        }
    }
    return first;
}

// --- memory ---

static struct granule *granule_of(struct pipeline *p, uint64_t address) {
    return &p->granule[(address >> 3) % PIPELINE_GRANULES];
}

// What memory renaming knows an address by: base register and how often it was written; 0: it does not.
static uint64_t renaming_key(const struct pipeline *p, const struct recipe *r) {
    if (r->kind & (RECIPE_VECTOR | RECIPE_STRING) || r->index != TIMED_NONE) return 0;
    uint8_t base = r->kind & (RECIPE_PUSH | RECIPE_POP) ? 4 : r->base;
    if (base == TIMED_NONE) return 1;
    return p->version[base] << 5 | (uint64_t)base << 1 | 1;
}

static bool overlaps(const struct granule *g, uint64_t address, unsigned bytes) {
    return g->bytes && address < g->address + g->bytes && g->address < address + bytes;
}

static uint64_t load_latency(const struct core *core, const struct recipe *r, uint32_t base) {
    return base + (r->kind & RECIPE_VECTOR ? core->vector_load_cycles : 0) + (r->kind & RECIPE_EXTENDS ? 1 : 0);
}

// The load needs the bytes of this store and of memory, and begins where the store does.
static bool narrow(struct pipeline *p, const struct recipe *r, const struct memory_answer *memory,
                   const struct granule *g, uint64_t at) {
    if (memory->linear != g->linear || memory->address != g->address || g->below > at) return false;
    const struct granule *end = granule_of(p, memory->address + r->bytes - 1u);
    return end->linear == g->linear || !overlaps(end, memory->address, r->bytes) || end->commit <= at;
}

// When a load that began at `at` ends to which a store could not be forwarded. Behind one that is only narrower it
// takes its time from the data, and retirement goes on meanwhile; otherwise it waits until the store has left.
static uint64_t blocked(struct pipeline *p, const struct core *core, const struct granule *g, uint64_t result,
                        bool only_narrow) {
    if (!only_narrow || !core->narrow_cycles) return later(result, g->commit + core->blocked_commit_cycles);
    uint64_t arrived = later(result, g->ready + core->narrow_cycles);
    p->early = arrived - result;
    return arrived;
}

// When the data of a load that began at `at` is there.
static uint64_t load_result(struct pipeline *p, const struct core *core, const struct recipe *r,
                            const struct memory_answer *memory, uint64_t at) {
    uint64_t result = at + load_latency(core, r, core->l1_cycles) + memory->latency;
    const struct granule *g = granule_of(p, memory->address);
    if (!overlaps(g, memory->address, r->bytes)) g = granule_of(p, memory->address + r->bytes - 1u);
    if (!overlaps(g, memory->address, r->bytes) || g->commit <= at) return result;
    bool within = memory->address >= g->address && memory->address + r->bytes <= g->address + g->bytes;
    if (!within) return blocked(p, core, g, result, narrow(p, r, memory, g, at));
    uint64_t key = core->renames_memory ? renaming_key(p, r) : 0;
    if (key && key == g->key && memory->address == g->address && r->bytes == g->bytes && !(r->kind & RECIPE_EXTENDS))
        return g->ready;
    return later(result, g->ready + load_latency(core, r, core->forward_cycles));
}

static uint64_t load(struct pipeline *p, const struct core *core, const struct recipe *r,
                     const struct memory_answer *memory, uint64_t from) {
    uint64_t at = load_take(p, core, memory->address, from);
    if (memory->crosses_line) port_take(p, core->load_ports, 1, at + 1);
    return load_result(p, core, r, memory, at);
}

// The store leaves for the cache after its instruction has retired.
static void commit(struct pipeline *p, const struct recipe *r, const struct memory_answer *memory, uint64_t ready) {
    uint64_t line = memory->address >> 6;
    bool second = line == p->commit_line && !p->commit_paired;
    uint64_t cycle = later(p->retired + 1, p->committed + !second);
    p->commit_paired = second && cycle == p->committed;
    cycle += memory->crosses_line ? 1 : 0;
    p->committed = cycle;
    p->commit_line = line;
    p->stores[p->store++ % PIPELINE_STORES] = cycle;
    const struct granule *before = granule_of(p, memory->address);
    bool part = overlaps(before, memory->address, r->bytes) && r->bytes <= before->bytes;
    uint64_t below = !part ? 0 : r->bytes < before->bytes ? before->commit : before->below;
    struct granule made = {memory->address, ready, cycle, renaming_key(p, r), r->bytes, memory->linear, below};
    *granule_of(p, memory->address) = made;
    if ((memory->address & 7) + r->bytes > 8) *granule_of(p, memory->address + r->bytes - 1u) = made;
}

// --- one instruction ---

// When its operands are there.
static uint64_t operands_ready(const struct pipeline *p, const struct core *core, const struct recipe *r) {
    uint64_t first = p->ready[r->source[0]];
    uint64_t ready = later(later(p->ready[r->source[1]], p->ready[r->source[2]]), p->ready[r->source[3]]);
    if (unlikely(r->flags & IS_SHIFT) && r->source[0] < 16 && p->offset[r->source[0]])
        first += core->immediate_shift_cycles;
    ready = later(ready, first > r->late ? first - r->late : 0);
    ready = later(ready, p->ready[r->flags & READS_C ? TIMED_FLAG_C : TIMED_NONE]);
    ready = later(ready, p->ready[r->flags & READS_Z ? TIMED_FLAG_Z : TIMED_NONE]);
    return ready;
}

static uint64_t address_ready(const struct pipeline *p, const struct recipe *r) {
    uint64_t ready = later(p->ready[r->base], p->ready[r->index]);
    return ready;
}

static void set_register(struct pipeline *p, uint8_t reg, uint64_t ready, int64_t offset) {
    p->ready[reg] = ready;
    if (reg >= 16) return;
    p->offset[reg] = offset;
    p->version[reg]++;
}

static void set_flags(struct pipeline *p, const struct recipe *r, uint64_t ready) {
    if (r->flags & WRITES_C) p->ready[TIMED_FLAG_C] = ready;
    if (!(r->flags & WRITES_Z)) return;
    p->ready[TIMED_FLAG_Z] = ready;
    p->logic = (r->kind & RECIPE_LOGIC) != 0;
}

// Done by the renamer alone: moves, zeroing, additions of small immediates. False: it must be executed.
static bool renamed_away(struct pipeline *p, const struct core *core, const struct recipe *r, const struct work *work,
                         uint64_t cycle) {
    uint8_t from = r->source[0], to = r->target[0];
    if (work->renamed && !(r->kind & (RECIPE_LOAD | RECIPE_STORE))) {
        bool move = r->kind & RECIPE_MOVE;
        if (to != TIMED_NONE)
            set_register(p, to, move ? p->ready[from] : cycle, move && from < 16 ? p->offset[from] : 0);
        set_flags(p, r, cycle);
        return true;
    }
    if (!(r->kind & RECIPE_IMMEDIATE) || !core->renames_immediates) return false;
    int64_t sum = p->offset[from] + r->immediate;
    if (sum > core->immediate_limit || sum < -(int64_t)core->immediate_limit) {
        p->rename_slots = core->rename_width; // what was added is written back first
        return false;
    }
    uint64_t ready = p->ready[from];
    set_register(p, to, ready, sum);
    set_flags(p, r, later(ready, cycle) + 1);
    return true;
}

static uint32_t special_ports(const struct core *core, const struct recipe *r, uint64_t *latency) {
    if (!(r->kind & RECIPE_LEA)) return 0;
    bool complex =
        core->renames_immediates ? r->index != TIMED_NONE && r->scale : r->index != TIMED_NONE && r->base != TIMED_NONE;
    if (!complex) return 0;
    *latency = core->complex_lea_cycles;
    return core->complex_lea_ports;
}

// A conditional branch behind what it can be one micro-operation with.
static bool fuses(const struct pipeline *p, const struct recipe *r) {
    return r->branch == BRANCH_CONDITIONAL && r->fuse && p->fuse && p->fuse <= r->fuse;
}

// What stops the decoders.
static COLD void supply_slowly(struct pipeline *p, const struct core *core, const struct recipe *r) {
    if (r->kind & RECIPE_LCP) p->supplied = later(p->supplied, p->renamed) + core->prefix_cycles;
    if (!(r->kind & RECIPE_WIDE)) return;
    p->wide = later(p->wide + 1, 2 * p->renamed);
    p->supplied = later(p->supplied, p->wide / 2);
}

// All but the last of its micro-operations retire with those before.
static __attribute__((noinline)) void supply_more(struct pipeline *p, const struct core *core, unsigned slots) {
    for (; slots > 1; slots--) {
        rename_slot(p, core);
        p->entries[p->entry++ % PIPELINE_ENTRIES] = p->retired;
    }
}

static uint64_t supply(struct pipeline *p, const struct core *core, const struct recipe *r, const struct work *work) {
    if (unlikely(r->kind & (RECIPE_LCP | RECIPE_WIDE))) supply_slowly(p, core, r);
    unsigned slots = work->slots[r->kind & (RECIPE_LOAD | RECIPE_STORE)];
    if (slots > 1) supply_more(p, core, slots);
    return rename_slot(p, core);
}

static uint64_t run(struct pipeline *p, const struct core *core, const struct recipe *r, const struct work *work,
                    const struct memory_answer *memory, uint64_t cycle) {
    uint64_t from = later(cycle, operands_ready(p, core, r)), latency = work->latency, last = from;
    uint64_t address = r->kind & (RECIPE_LOAD | RECIPE_STORE) ? later(cycle, address_ready(p, r)) : 0;
    if (r->kind & RECIPE_SERIAL) from = address = later(from, p->drained);
    p->early = 0;
    if (r->kind & RECIPE_LOAD) from = later(from, load(p, core, r, memory, address));
    uint32_t ports = special_ports(core, r, &latency);
    if (r->kind & RECIPE_USES_LOGIC && p->logic && r->late == 0) latency += core->logic_flag_cycles;
    uint64_t at = work->groups ? execute(p, work, ports, from, &last) : from;
    uint64_t done = later(at + latency, work->groups ? last + 1 : at);
    if (r->kind & RECIPE_LOCK) done = later(done, from + core->lock_cycles);
    for (unsigned i = 0; i < 2 && r->target[i] != TIMED_NONE; i++) set_register(p, r->target[i], done, 0);
    set_flags(p, r, done);
    if (!(r->kind & RECIPE_STORE)) return work->groups ? done : done - p->early;
    uint64_t sent = port_take(p, core->data_ports, 1, later(done, cycle));
    uint64_t placed = port_take(p, core->address_ports, 1, address);
    return later(sent, placed);
}

static void stack_moves(struct pipeline *p, const struct recipe *r) {
    if (r->kind & (RECIPE_PUSH | RECIPE_POP)) p->version[4]++;
}

uint64_t pipeline_pass(struct pipeline *p, const struct core *core, const struct recipe *r,
                       const struct memory_answer *memory) {
    const struct work *work = &core->work[r->row];
    uint64_t done;
    if (fuses(p, r)) {
        p->fuse = FUSE_NOT;
        return later(p->renamed, later(r->flags & READS_Z ? p->ready[TIMED_FLAG_Z] : 0,
                                       r->flags & READS_C ? p->ready[TIMED_FLAG_C] : 0));
    }
    p->fuse = r->fuse;
    uint64_t cycle = supply(p, core, r, work);
    if (r->kind & RECIPE_STORE)
        p->renamed = later(p->renamed, p->stores[(p->store - core->store_entries) % PIPELINE_STORES]);
    if (renamed_away(p, core, r, work, cycle))
        done = cycle;
    else
        done = run(p, core, r, work, memory, cycle);
    stack_moves(p, r);
    retire(p, core, done + 1);
    p->drained = later(p->drained, done);
    if (r->kind & RECIPE_STORE) commit(p, r, memory, done);
    if (r->kind & RECIPE_SERIAL) p->supplied = done + core->serial_cycles;
    return done;
}
