// How an SSE floating-point instruction ends.
#ifndef CPU_SSE_FLOAT_H
#define CPU_SSE_FLOAT_H
#include "cpu/vector/float_host.h"
#include "cpu/vector/vector.h"

enum { MXCSR_PM = 1 << 12, MXCSR_RC = 3 << 13 }; // precision mask, rounding control (SDM Vol. 1, 10.2.3)

// The exceptions found join MXCSR; an unmasked one is #XM, or #UD when the system has not announced that it handles
// these. SDM Vol. 1, 11.5.2, Vol. 3A, 2.5 (OSXMMEXCPT).
ALWAYS_INLINE enum outcome sse_float_end(struct cpu *cpu, struct float_env *env) {
    bool raise = float_env_settle(env);
    cpu->fpu.mxcsr |= env->flags;
    if (likely(!raise)) return OUT_OK;
    return cpu->control.cr4 & CR4_OSXMMEXCPT ? cpu_fault(cpu, VECTOR_XM) : cpu_fault_ud(cpu);
}

// --- the host's operations (cpu/vector/float_host.h), in fast forms; what they cannot do is done by the plain form ---
ALWAYS_INLINE bool sse_host_begin(const struct cpu *cpu, struct float_host *host) {
    uint32_t mxcsr = cpu->fpu.mxcsr;
    *host = (struct float_host){.known = (mxcsr & (MXCSR_PM | FLOAT_PE)) == (MXCSR_PM | FLOAT_PE)};
    return !((mxcsr | cpu->host_rounding) & MXCSR_RC);
}
ALWAYS_INLINE bool sse_host_end(struct cpu *cpu, const struct float_host *host) {
    if (likely(!host->inexact)) return true;
    cpu->fpu.mxcsr |= cpu->fpu.mxcsr & MXCSR_PM ? FLOAT_PE : 0;
    return cpu->fpu.mxcsr & MXCSR_PM;
}

#endif
