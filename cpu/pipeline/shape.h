// Instructions of common shapes (recipe.h) pass the pipeline: what the shape decides is no question at run time.
#ifndef CPU_PIPELINE_SHAPE_H
#define CPU_PIPELINE_SHAPE_H
#include "cpu/pipeline/scoreboard.h"

// Renamed at `cycle`: it is executed and retires. Returns when its branch, or its last result, is done.
ALWAYS_INLINE uint64_t shape_execute(struct pipeline *p, const struct core *core, const struct recipe *r,
                                     const struct memory_answer *memory, uint64_t cycle, bool loads, bool stores,
                                     bool own, enum recipe_more more) {
    int64_t first = more == SHIFT ? shift_cycles(p, core, r) : 0;
    uint64_t done = later(cycle, operands_ready(p, r, first)), early = 0;
    uint64_t address = loads || stores ? later(cycle, address_ready(p, r)) : 0;
    if (loads) done = later(done, load_done(p, core, r, memory, address, &early));
    if (own) done = port_take(p, r->ports, done) + r->latency + (more == CONDITION ? logic_cycles(p, core) : 0);
    set_results(p, r, done);
    if (loads && !own && !stores) done -= early;
    if (stores) {
        uint64_t sent = port_take(p, core->data_ports, done);
        done = later(sent, port_take(p, core->address_ports, address));
    }
    if (loads || stores) p->version[4] += (r->kind & (RECIPE_PUSH | RECIPE_POP)) != 0;
    retire(p, core, done + 1);
    if (stores) forward_commit(p, r, memory, done);
    return done;
}

ALWAYS_INLINE uint64_t shape_pass(struct pipeline *p, const struct core *core, const struct recipe *r,
                                  const struct memory_answer *memory, bool loads, bool stores, bool own,
                                  enum recipe_more more) {
    p->fuse = r->fuse;
    if (stores && own) supply_more(p, core, 2);
    uint64_t cycle = rename_slot(p, core);
    if (stores) store_entry_wait(p, core);
    return shape_execute(p, core, r, memory, cycle, loads, stores, own, more);
}

// Done by the renamer alone: moves, zeroing.
ALWAYS_INLINE uint64_t shape_renamed(struct pipeline *p, const struct core *core, const struct recipe *r) {
    p->fuse = r->fuse;
    uint64_t cycle = rename_slot(p, core);
    uint8_t from = r->kind & RECIPE_MOVE ? r->source[0] : TIMED_NONE;
    set_register(p, r->target[0], from == TIMED_NONE ? cycle : p->ready[from], p->offset[from]);
    set_flags(p, r, cycle);
    retire(p, core, cycle + 1);
    return cycle;
}

// The renamer adds, until the sum of such immediates is too large: then what was added is written back first.
ALWAYS_INLINE uint64_t shape_immediate(struct pipeline *p, const struct core *core, const struct recipe *r) {
    p->fuse = r->fuse;
    uint64_t cycle = rename_slot(p, core), ready = p->ready[r->source[0]];
    int64_t sum = (int64_t)p->offset[r->source[0]] + r->immediate, limit = core->immediate_limit;
    if (unlikely(sum > limit || sum < -limit)) {
        p->rename = (p->rename & ~(uint64_t)SLOT_MASK) | core->rename_width;
        return shape_execute(p, core, r, NULL, cycle, false, false, true, NOTHING);
    }
    set_register(p, r->target[0], ready, sum);
    set_flags(p, r, later(ready, cycle) + 1);
    retire(p, core, cycle + 1);
    return cycle;
}

// A conditional branch can be one micro-operation with what is before it.
ALWAYS_INLINE uint64_t shape_branch(struct pipeline *p, const struct core *core, const struct recipe *r) {
    if (!r->fuse || !p->fuse || p->fuse > r->fuse) return shape_pass(p, core, r, NULL, false, false, true, NOTHING);
    p->fuse = FUSE_NOT;
    return later(slot_cycle(p->rename), later(p->ready[r->flag_source[0]], p->ready[r->flag_source[1]]));
}

#endif
