// What follows from control registers, segments and flags: the mode that decoded blocks depend on, and under which
// numbers the fast entries of the TLB are used. SDM Vol. 3A, 2.2, 4.1; Vol. 3C, 24.4.1 (CPL is the DPL of SS).
#ifndef CPU_MODE_H
#define CPU_MODE_H
#include "cpu/state/cpu.h"

// Recalculates mode, fast contexts and whatever follows from CR0, CR4, EFER, CS, SS, RFLAGS.VM/AC and CPL. To be called
// after any change of these; the instruction must end its block.
void cpu_update_mode(struct cpu *cpu);
void cpu_update_space(struct cpu *cpu); // the same when VPID, EPTP or PCID changed with them
// RFLAGS, whole: takes every defined bit of the image; the caller has masked what may not change.
void cpu_set_rflags(struct cpu *cpu, uint64_t image);

#endif
