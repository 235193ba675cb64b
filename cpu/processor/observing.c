// Observers and points come and go; see cpu/watch/observe.h.
#include "cpu/processor/observing.h"
#include "cpu/counters/counters.h"
#include "cpu/engine/block.h"
#include "cpu/engine/run.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/points.h"
#include "cpu/memory/tlb.h"

// Kinds that are seen in the middle of blocks.
#define ALONE_KINDS                                                                                                    \
    (BIT(OBSERVE_INSTRUCTION) | BIT(OBSERVE_BRANCH) | BIT(OBSERVE_MEMORY) | BIT(OBSERVE_WALK) | BIT(OBSERVE_TLB))

static bool wants_alone(const struct cpu *cpu) {
    for (const struct observer *o = cpu->observation.observers; o; o = o->next)
        if (!o->loose && o->wanted & ALONE_KINDS) return true;
    return false;
}

static void observing_update(struct cpu *cpu) {
    uint32_t observing = wants_alone(cpu) ? OBSERVING_ALONE : 0;
    if (cpu->wire.timing) observing |= OBSERVING_TIME;
    for (const struct point *p = cpu->observation.points; p; p = p->next)
        observing |= p->access & POINT_EXECUTE ? OBSERVING_EXECUTE : OBSERVING_DATA;
    if (cpu->observation.wanted & BIT(OBSERVE_MEMORY)) observing |= OBSERVING_DATA;
    bool data_changed = (cpu->observation.doing ^ observing) & OBSERVING_DATA;
    cpu->observation.doing = observing;
    if (data_changed || observing & OBSERVING_DATA) tlb_drop_fast(cpu);
}

void cpu_set_timing(struct cpu *cpu, const struct timing *timing) {
    if (cpu->performance.on) performance_settle(cpu, NULL);
    cpu->wire.timing = timing;
    if (cpu->performance.on) performance_renew(cpu);
    if (timing && timing->begin && cpu->wire.blocks) block_cache_renew(cpu); // notes of another model
    cpu_update_mode(cpu);
    observing_update(cpu);
}

void cpu_observe(struct cpu *cpu, struct observer *observers) {
    cpu->observation.observers = observers;
    cpu->observation.wanted = 0;
    for (const struct observer *o = observers; o; o = o->next) cpu->observation.wanted |= o->wanted;
    observing_update(cpu);
}

// Pages say that they have a watchpoint, for those who store by physical address.
static void mark_points(struct cpu *cpu) {
    struct pages *pages = cpu->wire.pages;
    if (!pages) return;
    pages_clear_points(pages);
    for (const struct point *p = cpu->observation.points; p; p = p->next)
        if (p->space == POINT_PHYSICAL && p->access & POINT_WRITE) pages_set_point(pages, p->address, p->bytes);
}

void cpu_set_points(struct cpu *cpu, struct point *points) {
    cpu->observation.points = points;
    mark_points(cpu);
    observing_update(cpu);
    block_cache_clear(cpu);
}

void cpu_stop(struct cpu *cpu) {
    cpu->observation.stop = STOPPING_ASKED;
    cpu->attention |= ATTENTION_EVENT;
}

void cpu_pass(struct cpu *cpu) { observe_pass(cpu, fetch_linear(cpu)); }
