// What holds of a processor at every instruction boundary, whatever it executed: the rows of cpu/event/invariants.def,
// and of the x87 unit, SSE and XSAVE, whose rooms are higher, SDM Vol. 1, 8.1, 10.2.3, 13.3.
#include "cpu/event/invariants.h"
#include "cpu/state/model.h"
#include "cpu/x87/x87.h"
#include "tests/system/random.h"

static bool x87_good(const struct cpu *cpu) {
    const struct x87 *x = &cpu->fpu.x87;
    bool error = x->status & ~x->control & FLOAT_ALL;
    return (x->control & ~X87_CONTROL_DEFINED) == X87_CONTROL_FIXED && !(x->opcode & ~X87_OPCODE) &&
           (x->status & (X87_ES | X87_B)) == (error ? X87_ES | X87_B : 0);
}

static bool xcr0_good(const struct cpu *cpu) {
    uint64_t xcr0 = cpu->control.xcr0;
    return xcr0 & 1 && !(xcr0 & ~(cpu_model_xcr0(cpu->wire.model) | 1));
}

const char *invariant_broken(const struct cpu *cpu) {
    const char *broken = cpu_invariant_broken(cpu);
    if (broken || cpu->boundary.activity == ACTIVITY_SHUTDOWN) return broken;
    if (!x87_good(cpu)) return "x87: control, status, opcode";
    if (!xcr0_good(cpu)) return "XCR0";
    return cpu->fpu.mxcsr & ~MXCSR_MASK ? "MXCSR: reserved bits" : NULL;
}
