// A processor, whole: how it comes and goes, and the doors of the rooms below that everyone uses.
#ifndef CPU_PROCESSOR_H
#define CPU_PROCESSOR_H
#include "cpu/engine/cpu_run.h"
#include "cpu/event/event.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"
#include "cpu/state/cpu.h"

// `model`, `decoder` and `platform` must outlive the processor. Returns NULL when memory is short, or there
// are too many processors (64) over the platform's pages: they share decoded code, and stores of one are seen by all.
struct cpu *cpu_new(const struct cpu_model *model, const struct decoder *decoder, const struct platform *platform,
                    uint32_t id);
void cpu_free(struct cpu *cpu);
// Derived state: forget all decoded blocks and fast entries. No visible effect.
void cpu_drop_derived(struct cpu *cpu);
// After state_load over both tables: works out what is not state, between two runs.
void cpu_loaded(struct cpu *cpu);

#endif
