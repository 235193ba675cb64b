// Model-specific registers: rows in cpu/system/msr.def; local APIC MSRs go to the platform, VMX MSRs to the extension.
#ifndef CPU_MSR_H
#define CPU_MSR_H
#include "cpu/state/cpu.h"

// Reads or writes as RDMSR and WRMSR would at CPL 0, VT-x intercepts aside (VM-entry and VM-exit MSR areas use these
// too). OUT_FAULT with #GP(0) recorded when the MSR does not exist or the value is not allowed. `op` is for exact time.
enum outcome msr_read(struct cpu *cpu, const struct op *op, uint32_t index, uint64_t *value);
enum outcome msr_write(struct cpu *cpu, const struct op *op, uint32_t index, uint64_t value);
// Whether that would be refused, and why: by the same rows. Nothing changes. SDM Vol. 4.
bool msr_refuses(const struct cpu *cpu, uint32_t index, bool write, uint64_t value, struct msr_refusal *out);
// The value of an MSR that is plainly stored, for those who look on; else 0.
uint64_t msr_stored(struct cpu *cpu, uint32_t index);
// The offset in struct cpu of the member that holds it as it is read; -1: there is none.
int msr_member(const struct cpu *cpu, uint32_t index);

#endif
