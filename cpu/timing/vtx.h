// What VT-x costs: VM exits and VM entries of their parts, and what instructions do with VMCSs and tagged translations.
#ifndef CPU_TIMING_VTX_H
#define CPU_TIMING_VTX_H
#include "cpu/timing/crossing.h"
#include "cpu/timing/memory.h"

enum { CHECKED_VMCSS = 8 };
struct vtx_model {
    uint32_t checked[CHECKED_VMCSS]; // VMCSs whose controls were checked and not written since
};

// What an exit or an entry takes beyond the emptied pipeline.
uint64_t vtx_exit(struct memory_model *m, struct timing_counts *counts, const struct core *core, const struct cpu *cpu,
                  const struct timing_crossing *crossing);
uint64_t vtx_entry(struct vtx_model *v, struct memory_model *m, struct timing_counts *counts, const struct core *core,
                   const struct cpu *cpu, const struct timing_crossing *crossing);
// What an instruction (enum recipe_vtx) takes beyond its row: the line of the field with this encoding, or of the
// region.
uint64_t vtx_instruction(struct vtx_model *v, struct memory_model *m, struct timing_counts *counts,
                         const struct core *core, const struct cpu *cpu, unsigned what, uint64_t encoding,
                         uint64_t vmcs);

#endif
