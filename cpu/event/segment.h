// Segment registers: loading with the protected-mode checks, and the descriptors behind them. SDM Vol. 3A, chapters
// 3, 5.
#ifndef CPU_SEGMENT_H
#define CPU_SEGMENT_H
#include "cpu/state/cpu.h"

// MOV/POP/LxS to ES, SS, DS, FS, GS in the current mode, all checks. CS goes through far transfers only.
enum outcome segment_load(struct cpu *cpu, unsigned segment, uint16_t selector);
// Sets a register as real-address or virtual-8086 mode does: base = selector << 4.
void segment_load_real(struct cpu *cpu, unsigned segment, uint16_t selector);
// Near control transfer in code that is not 64-bit: target within CS limit, else #GP(0); 64-bit: canonical.
enum outcome near_target(struct cpu *cpu, uint64_t rip);
ALWAYS_INLINE unsigned segment_dpl(const struct segment *s) { return s->rights >> RIGHTS_DPL_SHIFT & 3; }

#endif
