// An instruction of any shape passes the pipeline: supplied, renamed, executed, retired. Common shapes: shape.h.
#include "cpu/pipeline/scoreboard.h"

// Slots of the renamer: a load goes with the instruction's first micro-operation, a store's two parts go together.
static void slots_count(struct work *work) {
    for (unsigned kind = 0; kind < 4; kind++) {
        unsigned own = work->micro_ops ? work->micro_ops : kind & RECIPE_LOAD ? 1 : 0;
        unsigned slots = own + (kind & RECIPE_STORE ? 1 : 0);
        work->slots[kind] = (uint16_t)(slots ? slots : 1);
    }
}

// From bits by their numbers, as core.def has them, to PORT.
static uint32_t ports_of(uint32_t bits) {
    uint32_t ports = 0;
    for (unsigned i = 0; i < 16; i++) ports |= bits >> i & 1 ? PORT(i) : 0;
    return ports;
}

void core_read(enum core_kind kind, struct core *out) {
#define CORE(name, golden_cove, skylake, text, source) out->name = kind == GOLDEN_COVE ? golden_cove : skylake;
#include "cpu/pipeline/core.def"
#undef CORE
    uint32_t *const ports[] = {&out->load_ports, &out->address_ports, &out->data_ports, &out->complex_lea_ports};
    for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++) *ports[i] = ports_of(*ports[i]);
    const uint16_t simple = (uint16_t)ports_of(kind == GOLDEN_COVE ? 0x463 : 0x63);
    for (unsigned i = 0; i < micro_ops_count; i++) micro_ops_read(i, kind, &out->work[i]);
    out->work[micro_ops_count] =
        (struct work){.group = {{simple, 1, 1, false}}, .groups = 1, .latency = 1, .micro_ops = 1};
    for (unsigned i = 0; i <= micro_ops_count; i++) slots_count(&out->work[i]);
}

// --- ports ---

// As port_take, for `busy` cycles.
static uint64_t port_occupy(struct pipeline *p, uint32_t ports, unsigned busy, uint64_t from) {
    uint64_t cycle = from;
    uint32_t used;
    while (used = cycle_used(p, cycle), !(ports & ~used)) cycle++;
    uint32_t port = least_pressed(p, ports & ~used);
    for (unsigned i = 0; i < busy; i++) cycle_set(p, cycle + i, cycle_used(p, cycle + i) | port);
    return cycle;
}

// All of an instruction's own micro-operations; returns when the first began.
static uint64_t execute(struct pipeline *p, const struct work *work, uint64_t from, uint64_t *last) {
    uint64_t first = from;
    *last = from;
    for (unsigned g = 0; g < work->groups; g++) {
        const struct work_group *group = &work->group[g];
        uint64_t start = group->after ? *last + 1 : from;
        for (unsigned i = 0; i < group->count; i++) {
            uint64_t at = port_occupy(p, group->ports, group->busy, start);
            if (g == 0 && i == 0) first = at;
            *last = later(*last, at);
        }
    }
    return first;
}

// --- one instruction ---

// What stops the decoders.
static void supply_slowly(struct pipeline *p, const struct core *core, const struct recipe *r) {
    uint64_t renamed = slot_cycle(p->rename);
    if (r->kind & RECIPE_LCP) p->supplied = later(p->supplied, renamed) + core->prefix_cycles;
    if (!(r->kind & RECIPE_WIDE)) return;
    p->wide = later(p->wide + 1, 2 * renamed);
    p->supplied = later(p->supplied, p->wide / 2);
}

static uint64_t supply(struct pipeline *p, const struct core *core, const struct recipe *r, const struct work *work) {
    if (r->kind & (RECIPE_LCP | RECIPE_WIDE)) supply_slowly(p, core, r);
    supply_more(p, core, work->slots[r->kind & (RECIPE_LOAD | RECIPE_STORE)]);
    return rename_slot(p, core);
}

static uint64_t store(struct pipeline *p, const struct core *core, uint64_t done, uint64_t address) {
    uint64_t sent = port_take(p, core->data_ports, done);
    return later(sent, port_take(p, core->address_ports, address));
}

static uint64_t run(struct pipeline *p, const struct core *core, const struct recipe *r, const struct work *work,
                    const struct memory_answer *memory, uint64_t cycle) {
    uint64_t late = r->kind & RECIPE_SERIAL ? 0 : r->late;
    int64_t first = r->kind & RECIPE_SHIFT ? shift_cycles(p, core, r) : -(int64_t)late;
    if (late > p->ready[r->source[0]]) first = 0;
    uint64_t from = later(cycle, operands_ready(p, r, first)), last = from, early = 0;
    uint64_t address = r->kind & (RECIPE_LOAD | RECIPE_STORE) ? later(cycle, address_ready(p, r)) : 0;
    if (r->kind & RECIPE_SERIAL) from = address = later(from, p->drained);
    if (r->kind & RECIPE_LOAD) from = later(from, load_done(p, core, r, memory, address, &early));
    uint64_t latency = work->latency + (r->kind & RECIPE_USES_LOGIC && !late ? logic_cycles(p, core) : 0);
    uint64_t at = execute(p, work, from, &last);
    uint64_t done = later(at + latency, work->groups ? last + 1 : at);
    if (r->kind & RECIPE_LOCK) done = later(done, from + core->lock_cycles);
    set_results(p, r, done);
    if (r->kind & RECIPE_STORE) return store(p, core, done, address);
    return work->groups ? done : done - early;
}

uint64_t pipeline_pass_any(struct pipeline *p, const struct core *core, const struct recipe *r,
                           const struct memory_answer *memory) {
    const struct work *work = &core->work[r->row];
    p->fuse = r->fuse;
    uint64_t cycle = supply(p, core, r, work);
    if (r->kind & RECIPE_STORE) store_entry_wait(p, core);
    uint64_t done = run(p, core, r, work, memory, cycle);
    p->version[4] += (r->kind & (RECIPE_PUSH | RECIPE_POP)) != 0;
    retire(p, core, done + 1);
    if (r->kind & RECIPE_STORE) forward_commit(p, r, memory, done);
    if (r->kind & RECIPE_SERIAL) p->supplied = done + r->after;
    return done;
}
