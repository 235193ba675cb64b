// The x87 FPU's control instructions, and how its other instructions begin and end. SDM Vol. 1, 8.1, 8.3.11, 8.7.
//
// FCS and FDS are deprecated (CPUID.7.EBX[13]): always 0. FOP is recorded for unmasked exceptions only.
// FFREEP, FNENI, FNDISI and FNSETPM are in no manual of today; they do what processors do.
#include "cpu/x87/x87.h"
#include "cpu/engine/body.h"
#include "cpu/state/model.h"

enum outcome x87_wait_slow(struct cpu *cpu) { return cpu->control.cr0 & CR0_NE ? cpu_fault(cpu, VECTOR_MF) : OUT_OK; }

void x87_init(struct cpu *cpu) {
    struct x87 *x = &cpu->fpu.x87;
    x->control = X87_CONTROL_RESET;
    x->status = 0;
    x->empty = 0xff;
    x->ip = x->dp = 0;
    x->cs = x->ds = 0;
    x->opcode = 0;
}

void x87_end(struct cpu *cpu, const struct op *op, bool memory, unsigned flags, bool c1) {
    struct x87 *x = &cpu->fpu.x87;
    x->ip = op_rip(cpu, op);
    x->status = (uint16_t)((x->status & ~FLOAT_C1) | flags | (c1 ? FLOAT_C1 : 0));
    bool unmasked = flags & ~x->control & FLOAT_ALL;
    if (memory && (unmasked || !cpu_model_has(cpu->wire.model, FEATURE_FDP_EXCPTN)))
        x->dp = op_effective_address(cpu, op);
    if (unmasked) x->opcode = (uint16_t)(op->imm & X87_OPCODE);
    x87_summarise(cpu);
}

BODY(fninit) {
    BODY_UNUSED;
    x87_init(cpu);
    return OUT_OK;
}
INSTANTIATE(fninit, NEXT, FORMS_ONE_NONE)

BODY(fnclex) {
    BODY_UNUSED;
    cpu->fpu.x87.status &= (uint16_t) ~(FLOAT_ALL | X87_SF | X87_ES | X87_B);
    return OUT_OK;
}
INSTANTIATE(fnclex, NEXT, FORMS_ONE_NONE)

#define FORMS_M16(X, n) X(n, M, 16)
BODY(fnstcw) { return destination(cpu, op, F, W, cpu->fpu.x87.control); }
INSTANTIATE(fnstcw, NEXT, FORMS_M16)

BODY(fldcw) {
    uint64_t control = 0;
    TRY(x87_wait(cpu));
    TRY(source(cpu, op, F, W, &control));
    x87_set_control(cpu, (uint16_t)control);
    return OUT_OK;
}
INSTANTIATE(fldcw, NEXT, FORMS_M16)

#define FORMS_RM16(X, n) X(n, R, 16) X(n, M, 16)
BODY(fnstsw) { return destination(cpu, op, F, W, cpu->fpu.x87.status); }
INSTANTIATE(fnstsw, NEXT, FORMS_RM16)

// WAIT obeys CR0.MP and CR0.TS together, and not CR0.EM. SDM Vol. 3A, Table 2-3.
BODY(fwait) {
    BODY_UNUSED;
    if ((cpu->control.cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) return cpu_fault(cpu, VECTOR_NM);
    return x87_wait(cpu);
}
INSTANTIATE(fwait, NEXT, FORMS_ONE_NONE)

BODY(fnop) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    x87_end(cpu, op, false, 0, cpu->fpu.x87.status & FLOAT_C1);
    return OUT_OK;
}
INSTANTIATE(fnop, NEXT, FORMS_ONE_NONE)

ALWAYS_INLINE enum outcome move_top(struct cpu *cpu, const struct op *op, unsigned by) {
    TRY(x87_wait(cpu));
    x87_set_top(cpu, x87_top(cpu) + by);
    x87_end(cpu, op, false, 0, false);
    return OUT_OK;
}
BODY(fincstp) {
    BODY_UNUSED;
    return move_top(cpu, op, 1);
}
INSTANTIATE(fincstp, NEXT, FORMS_ONE_NONE)
BODY(fdecstp) {
    BODY_UNUSED;
    return move_top(cpu, op, 7);
}
INSTANTIATE(fdecstp, NEXT, FORMS_ONE_NONE)

#define FORMS_STI(X, n) X(n, R, 32)
BODY(ffree) {
    BODY_UNUSED;
    TRY(x87_wait(cpu));
    cpu->fpu.x87.empty |= (uint8_t)(1u << x87_physical(cpu, op->dst));
    x87_end(cpu, op, false, 0, false);
    return OUT_OK;
}
INSTANTIATE(ffree, NEXT, FORMS_STI)

// FFREE, then a pop.
BODY(ffreep) {
    TRY(ffree_inline(cpu, op, F, W));
    x87_pop(cpu);
    return OUT_OK;
}
INSTANTIATE(ffreep, NEXT, FORMS_STI)

// FNENI, FNDISI, FNSETPM: they wait for nothing and leave no trace, not even in FIP.
BODY(fneni) {
    BODY_UNUSED;
    return OUT_OK;
}
INSTANTIATE(fneni, NEXT, FORMS_ONE_NONE)
