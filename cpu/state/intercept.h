// Bodies ask VT-x whether their instruction exits. Where each asks is a column of cpu/state/intercept.def.
#ifndef CPU_INTERCEPT_H
#define CPU_INTERCEPT_H
#include "cpu/state/cpu.h"

ALWAYS_INLINE enum outcome intercept(struct cpu *cpu, const struct op *op, enum intercept what,
                                     union intercept_operand operand) {
    if (likely(!(cpu->intercepts.enabled & BIT(what)))) return OUT_OK;
    return cpu->intercepts.check(cpu, op, what, operand);
}

#endif
