// What the rest of vmx/ tells to those who watch levels and count exits. The floor above asks through vmx.h.
#ifndef VMX_LEVEL_H
#define VMX_LEVEL_H
#include "vmx/vmcs/vmcs.h"

// --- vmx/level/level.c ---
void level_entry(struct cpu *cpu);
void level_exit(struct cpu *cpu, uint32_t reason); // the processor's registers are still the guest's
// The memory operand of a guest's VMX instruction that exits: 8 bytes of its memory. False: they are not mapped.
bool level_operand(const struct cpu *cpu, uint64_t *value);
void level_vmclear(struct cpu *cpu, uint64_t pointer);

bool level_attach(struct vmx *vmx); // false: memory is short
void level_detach(struct vmx *vmx);
void level_share(struct vmx *vmx, const struct vmx *with);
unsigned level_running(const struct cpu *cpu); // of the guest that runs, or ran last

// --- vmx/level/count.c ---
void count_exit(struct cpu *cpu, uint32_t reason);
void count_entry(struct cpu *cpu);
void count_failed_entry(struct cpu *cpu);

#endif
