// Looking at memory through page tables without a trace: no TLB is used or filled, no accessed or dirty flag set, no
// device touched, no fault raised. For debuggers and tools; the roots may be those of a guest that waits.
#ifndef CPU_PEEK_H
#define CPU_PEEK_H
#include "cpu/state/cpu.h"

// What a translation depends on.
struct peek_roots {
    uint64_t cr0, cr3, cr4, efer;
    uint64_t pdpte[4]; // PAE paging
    uint64_t eptp;     // bits 51:12 | 1: through these extended page tables; 0: none
};
struct peek_roots peek_current(const struct cpu *cpu);

// False: not mapped, or a table lies outside RAM.
bool peek_linear(const struct cpu *cpu, const struct peek_roots *roots, uint64_t linear, uint64_t *guest_physical);
bool peek_guest_physical(const struct cpu *cpu, uint64_t eptp, uint64_t guest_physical, uint64_t *physical);
// Both stages.
bool peek_physical(const struct cpu *cpu, const struct peek_roots *roots, uint64_t linear, uint64_t *physical);
// `bytes` up to 8, within one page of RAM.
bool peek_memory(const struct cpu *cpu, uint64_t physical, unsigned bytes, uint64_t *value);

#endif
