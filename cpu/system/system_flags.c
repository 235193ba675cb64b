// Interrupt flag, alignment-check flag, halt, undefined instructions: CLI STI CLAC STAC HLT UD. SDM Vol. 2A, 2B;
// Vol. 3A, 6.8.1 (the shadow of STI), 4.6.1 (SMAP).
// Where the privilege level does not reach IF, CLI and STI are virtual: cpu/event/vm86.c.
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"
#include "cpu/event/vm86.h"

static bool iopl_allows(const struct cpu *cpu) {
    return cpu_real(cpu) || (cpu_vm86(cpu) ? cpu_iopl(cpu) == 3 : cpu_cpl(cpu) <= cpu_iopl(cpu));
}

BODY(cli) {
    BODY_UNUSED;
    if (!iopl_allows(cpu)) return vm86_cli(cpu);
    cpu->rflags &= ~FLAG_IF;
    return OUT_OK;
}
INSTANTIATE(cli, NEXT, FORMS_ONE_NONE)

// Interrupts stay off for one more instruction when they were off.
BODY(sti) {
    BODY_UNUSED;
    if (!iopl_allows(cpu)) return vm86_sti(cpu);
    if (!(cpu->rflags & FLAG_IF)) cpu->boundary.sti_shadow_step = cpu_steps(cpu, op) + 1;
    cpu->rflags |= FLAG_IF;
    cpu_look(cpu);
    return OUT_OK;
}
INSTANTIATE(sti, END, FORMS_ONE_NONE)

static enum outcome set_ac(struct cpu *cpu, uint64_t ac) {
    if (cpu_cpl(cpu)) return cpu_fault_ud(cpu);
    cpu->rflags = (cpu->rflags & ~FLAG_AC) | ac;
    tlb_contexts_update(cpu);
    return OUT_OK;
}
BODY(clac) {
    BODY_UNUSED;
    return set_ac(cpu, 0);
}
BODY(stac) {
    BODY_UNUSED;
    return set_ac(cpu, FLAG_AC);
}
INSTANTIATE(clac, NEXT, FORMS_ONE_NONE)
INSTANTIATE(stac, NEXT, FORMS_ONE_NONE)

BODY(hlt) {
    BODY_UNUSED;
    TRY(intercept(cpu, op, ICEPT_HLT, NO_OPERAND));
    cpu->rip = op_next_rip(cpu, op);
    cpu->boundary.activity = ACTIVITY_HLT;
    return OUT_STOP;
}
INSTANTIATE(hlt, END, FORMS_ONE_NONE)

BODY(ud) {
    BODY_UNUSED;
    return cpu_fault_ud(cpu);
}
#define FORMS_UD(X, n) X(n, NONE, 32) X(n, RR, 32) X(n, RM, 32)
INSTANTIATE(ud, NEXT, FORMS_UD)
