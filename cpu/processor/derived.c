// What is not state: dropped, or worked out again after a load.
#include "cpu/counters/counters.h"
#include "cpu/engine/block.h"
#include "cpu/pages/monitor.h"
#include "cpu/processor/processor.h"

void cpu_drop_derived(struct cpu *cpu) {
    block_cache_clear(cpu);
    if (cpu->wire.pages) monitor_renew(cpu->wire.pages);
}

void cpu_loaded(struct cpu *cpu) {
    cpu->attempt.step_limit = cpu->time.steps;
    cpu->budget = 0;
    cpu->attention |= ATTENTION_EVENT;
    cpu_update_space(cpu);
    performance_derive(cpu);
    cpu_drop_derived(cpu);
}
