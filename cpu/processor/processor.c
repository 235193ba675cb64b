// A processor's life: the rooms below are wired together here.
#include "cpu/processor/processor.h"
#include "cpu/engine/block.h"
#include "cpu/insn/combine.h"
#include "cpu/memory/points.h"
#include "cpu/pages/pages.h"
#include <stdlib.h>

static const struct page_keeper keeper = {.drop_page = tlb_drop_fast_page,
                                          .drop_writes = tlb_drop_writes,
                                          .code_lies = block_code_lies,
                                          .code_written = block_code_written,
                                          .point_stored = observe_stored};

// Processors over the same pages share decoded code. False: memory is short, or there are too many.
static bool share_memory(struct cpu *cpu) {
    const struct pages *pages = cpu->wire.pages;
    struct block_cache *blocks = pages && pages->members ? pages->member[0]->wire.blocks : block_cache_new();
    if (!blocks) return false;
    if (cpu->wire.pages && !pages_join(cpu->wire.pages, cpu, &keeper)) return false;
    block_cache_join(blocks, cpu);
    return true;
}

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
    cpu->wire.pages = platform ? platform->pages : NULL;
    if (cpu->tlb && share_memory(cpu)) {
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
    if (cpu->wire.pages) pages_leave(cpu->wire.pages, cpu);
    free(cpu->tlb);
    free(cpu);
}
