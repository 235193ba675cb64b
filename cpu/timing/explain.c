// See explain.h: the shapes of pass.c on a pipeline of its own.
#include "cpu/timing/explain.h"
#include "cpu/timing/model.h"
#include "cpu/pipeline/shape.h"
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 2 /* turns that are not shown */, WARM_TURNS = 100, MEASURED_TURNS = 100 };

struct explaining {
    struct pipeline pipeline;
    struct core core;
    struct recipe recipe[EXPLAIN_MOST];
};

static uint64_t pass_shape(struct pipeline *p, const struct core *core, const struct recipe *r,
                           const struct memory_answer *memory) {
    switch (r->shape) {
#define SHAPE(name, loads, stores, own, branches, more)                                                                \
    case SHAPE_##name: return shape_pass(p, core, r, memory, loads, stores, own, more);
        RECIPE_SHAPES(SHAPE)
#undef SHAPE
    case SHAPE_RENAMED: return shape_renamed(p, core, r);
    case SHAPE_IMMEDIATE: return shape_immediate(p, core, r);
    case SHAPE_BRANCH: return shape_branch(p, core, r);
    default: return pipeline_pass_any(p, core, r, memory);
    }
}

static struct explained pass_one(struct explaining *e, unsigned i, uint64_t address) {
    struct pipeline *p = &e->pipeline;
    const struct recipe *r = &e->recipe[i];
    uint64_t entries = p->entry;
    struct memory_answer memory = {
        .address = address, .linear = address, .crosses_line = (address & 63) + r->bytes > 64};
    uint64_t done = pass_shape(p, &e->core, r, &memory);
    return (struct explained){.renamed = slot_cycle(p->rename),
                              .done = done,
                              .retired = slot_cycle(p->retire),
                              .executed = done > slot_cycle(p->rename),
                              .fused = p->entry == entries,
                              .micro_ops = (uint16_t)(p->entry - entries)};
}

static uint64_t run(struct explaining *e, const struct explain_insn *insns, unsigned count, unsigned turns,
                    struct explained *out) {
    uint64_t measured = 0;
    for (unsigned turn = 0; turn < WARM_TURNS + MEASURED_TURNS; turn++) {
        if (turn == WARM_TURNS) measured = slot_cycle(e->pipeline.retire);
        for (unsigned i = 0; i < count; i++) {
            struct explained one = pass_one(e, i, insns[i].address);
            if (turn >= BEFORE && turn < BEFORE + turns) *out++ = one;
        }
    }
    return 100 * (slot_cycle(e->pipeline.retire) - measured) / MEASURED_TURNS;
}

uint64_t timing_explain(const char *model, const struct explain_insn *insns, unsigned count, unsigned turns,
                        struct explained *out) {
    unsigned kind = 0;
    const char *name;
    while ((name = timing_model_name(kind, NULL)) && strcmp(name, model)) kind++;
    struct explaining *e = name && count <= EXPLAIN_MOST ? calloc(1, sizeof *e) : NULL;
    if (!e) return 0;
    core_read((enum core_kind)kind, &e->core);
    for (unsigned i = 0; i < count; i++) recipe_make(&insns[i].insn, &e->core, &e->recipe[i]);
    uint64_t cycles = run(e, insns, count, turns, out);
    free(e);
    return cycles ? cycles : 1;
}
