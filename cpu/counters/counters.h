// Performance counters of architectural performance monitoring version 5, SDM Vol. 3B, 19.2, and architectural
// last-branch records, chapter 18. Counters are not advanced: what they count is counted anyhow, as steps and cycles
// are, and they remember how much there was when they were brought up to date.
#ifndef CPU_COUNTERS_H
#define CPU_COUNTERS_H
#include "cpu/state/cpu.h"

#define STATUS_LBR_FROZEN BIT(58)
#define STATUS_COUNTERS_FROZEN BIT(59)

// --- counters (counters.c) ---

// At an instruction (`op`) or a boundary (NULL): counters are brought up to date; whoever passed 2^48 - 1 has
// overflowed.
void performance_settle(struct cpu *cpu, const struct op *op);
// A counter's value: programmable ones from 0 on, then those of fixed function.
uint64_t performance_value(const struct cpu *cpu, const struct op *op, unsigned counter);
// After a load: what follows from the registers. After a change: the same, and the run ends.
void performance_derive(struct cpu *cpu);
void performance_update(struct cpu *cpu);
// No further than these steps and this cycle may the processor run before performance_look is asked.
void performance_limits(struct cpu *cpu, uint64_t *steps, uint64_t *cycle);
// Under another timing model everything that is counted begins anew.
void performance_renew(struct cpu *cpu);
// At a boundary: counters that have overflowed say so; perhaps an interrupt comes of it.
void performance_look(struct cpu *cpu);
// RESET; INIT keeps all but IA32_LBR_CTL. SDM Vol. 3A, Table 9-1; Vol. 3B, 18.1.4.
void performance_reset(struct cpu *cpu, bool init);

// --- registers (registers.c) ---

uint64_t performance_global_bits(const struct cpu_model *model); // of IA32_PERF_GLOBAL_CTRL
uint64_t performance_read(const struct cpu *cpu, const struct op *op, uint32_t address);
uint64_t performance_refused(const struct cpu *cpu, uint32_t address, uint64_t value); // bits that cannot be written
void performance_write(struct cpu *cpu, const struct op *op, uint32_t address, uint64_t value);
void performance_load_global(struct cpu *cpu, uint64_t value); // by a VM entry or VM exit
bool performance_rdpmc(const struct cpu *cpu, const struct op *op, uint32_t index, uint64_t *value);

// --- last branches (last_branch.c) ---

// Numbers of IA32_LBR_x_INFO.BR_TYPE, SDM Vol. 3B, Table 18-3.
enum branch_type {
    LBR_COND,
    LBR_NEAR_IND_JMP,
    LBR_NEAR_REL_JMP,
    LBR_NEAR_IND_CALL,
    LBR_NEAR_REL_CALL,
    LBR_NEAR_RET,
    LBR_OTHER = 8,
    LBR_NONE,
};
// A branch or event of this type went from a linear address, at CPL 0 or above it, to where the processor is.
void performance_branched(struct cpu *cpu, enum branch_type type, uint64_t from, bool user, uint64_t to);
static inline bool performance_records(const struct performance *p) {
    return p->branch_control & 1 && !(p->global_status & STATUS_LBR_FROZEN);
}

#endif
