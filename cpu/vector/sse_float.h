// How an SSE floating-point instruction ends.
#ifndef CPU_SSE_FLOAT_H
#define CPU_SSE_FLOAT_H
#include "cpu/float/float.h"
#include "cpu/vector/vector.h"

// The exceptions found join MXCSR; an unmasked one is #XM, or #UD when the system has not announced that it handles
// these. SDM Vol. 1, 11.5.2, Vol. 3A, 2.5 (OSXMMEXCPT).
ALWAYS_INLINE enum outcome sse_float_end(struct cpu *cpu, struct float_env *env) {
    bool raise = float_env_settle(env);
    cpu->fpu.mxcsr |= env->flags;
    if (likely(!raise)) return OUT_OK;
    return cpu->control.cr4 & CR4_OSXMMEXCPT ? cpu_fault(cpu, VECTOR_XM) : cpu_fault_ud(cpu);
}

#endif
