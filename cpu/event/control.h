// Control registers, for instructions, task switches and VT-x. SDM Vol. 3A, 2.5.
#ifndef CPU_CONTROL_H
#define CPU_CONTROL_H
#include "cpu/state/cpu.h"

// What software sees of CR0 and CR4: in VMX non-root operation, the read shadow where the guest/host mask is 1.
ALWAYS_INLINE uint64_t cr0_visible(const struct cpu *cpu) {
    const struct intercepts *i = &cpu->intercepts;
    return (cpu->control.cr0 & ~i->cr0_mask) | (i->cr0_shadow & i->cr0_mask);
}
ALWAYS_INLINE uint64_t cr4_visible(const struct cpu *cpu) {
    const struct intercepts *i = &cpu->intercepts;
    return (cpu->control.cr4 & ~i->cr4_mask) | (i->cr4_shadow & i->cr4_mask);
}
// As MOV to the register does, after the VM-exit check: all #GP(0) rules, what follows in EFER.LMA, the PDPTEs and the
// TLB. Bits that a guest/host mask owns stay.
enum outcome cr0_write(struct cpu *cpu, uint64_t value);
enum outcome cr3_write(struct cpu *cpu, uint64_t value);
enum outcome cr4_write(struct cpu *cpu, uint64_t value);
// The bits that CR4 can have in this CPU model.
uint64_t cr4_supported(const struct cpu_model *model);

// --- what is refused: the rows of control.def ---
// The processor that writes, as far as the rows ask.
struct cr_write {
    const struct cpu *cpu;
    uint64_t cr0, cr3, cr4, efer, cr4_supported;
    bool code_l, tss_16, in_long, in_64bit;
};
struct cr_write cr_write_of(const struct cpu *cpu);
struct cr_rule {
    uint8_t cr, section; // enum section
    const char *name, *text;
};
const struct cr_rule *cr_rule(unsigned index); // NULL past the last row
// The bits of the value that are in the way by this row; 0: it refuses nothing.
uint64_t cr_rule_bits(unsigned index, const struct cr_write *now, uint64_t value);

#endif
