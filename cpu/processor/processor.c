// A processor's life: the rooms below are wired together here.
#include "cpu/processor/processor.h"
#include "cpu/engine/block.h"
#include "cpu/insn/combine.h"
#include "cpu/system/mwait.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"
#include "cpu/memory/tlb.h"
#include <stdlib.h>

struct cpu *cpu_new(const struct cpu_model *model, const struct decoder *decoder, const struct platform *platform,
                    uint32_t id) {
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu) return NULL;
    cpu->wire.model = model;
    cpu->wire.decoder = decoder;
    cpu->wire.platform = platform;
    cpu->wire.combining = &cpu_combining;
    cpu->id = id;
    cpu->time.vmx_deadline_cycles = ~0ull;
    cpu->boundary.sti_shadow_step = cpu->boundary.mov_ss_shadow_step = cpu->boundary.held_step =
        cpu->observation.passed_step = ~0ull;
    cpu->tlb = calloc(1, sizeof *cpu->tlb);
    struct block_cache *blocks = block_cache_new();
    if (blocks) block_cache_join(blocks, cpu);
    struct mwait_group *group = mwait_group_new();
    if (group) mwait_group_join(group, cpu);
    if (cpu->tlb && blocks && group) {
        tlb_reset(cpu);
        cpu_reset(cpu, false);
        return cpu;
    }
    cpu_free(cpu);
    return NULL;
}

void cpu_free(struct cpu *cpu) {
    if (!cpu) return;
    block_cache_leave(cpu);
    mwait_group_leave(cpu);
    free(cpu->tlb);
    free(cpu);
}

bool cpu_share_memory(struct cpu *cpu, struct cpu *with) {
    block_cache_leave(cpu);
    mwait_group_leave(cpu);
    if (!block_cache_join(with->wire.blocks, cpu) || !mwait_group_join(with->wire.mwait_group, cpu)) return false;
    tlb_drop_fast(cpu);
    return true;
}

void cpu_drop_derived(struct cpu *cpu) {
    block_cache_clear(cpu);
    mwait_group_renew(cpu->wire.mwait_group);
}

void cpu_loaded(struct cpu *cpu) {
    cpu->attempt.step_limit = cpu->time.steps;
    cpu->budget = 0;
    cpu->attention |= ATTENTION_EVENT;
    cpu_update_space(cpu);
    cpu_drop_derived(cpu);
}
