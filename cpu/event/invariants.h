// What holds of a processor at every instruction boundary: the rows of invariants.def.
#ifndef CPU_INVARIANTS_H
#define CPU_INVARIANTS_H
#include "cpu/state/cpu.h"
#include "cpu/state/invariant.h"

const char *cpu_invariant_broken(const struct cpu *cpu); // the text of the first row that does not hold; NULL: all do

// Where assertions are compiled in: what held before something still holds after it. Tests, and who writes registers
// from outside, may leave a processor as no guest can.
ALWAYS_INLINE bool cpu_sound(const struct cpu *cpu) {
#ifdef VMXRAY_INVARIANTS
    return !cpu_invariant_broken(cpu);
#else
    (void)cpu;
    return false;
#endif
}
ALWAYS_INLINE void cpu_stays_sound(const struct cpu *cpu, bool was_sound) {
#ifdef VMXRAY_INVARIANTS
    const char *broken = was_sound ? cpu_invariant_broken(cpu) : NULL;
    INVARIANT_NAMED(!broken, broken);
#else
    (void)cpu, (void)was_sound;
#endif
}

#endif
