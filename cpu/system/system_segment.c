// Loading segment registers and their bases: MOV and POP Sreg, LDS and its like, SWAPGS, RDFSBASE and its like.
// SDM Vol. 2A, 2B; Vol. 3A, 6.8.3 (the shadow of MOV SS and POP SS).
#include "cpu/engine/body.h"
#include "cpu/event/segment.h"
#include "cpu/integer/stack.h"
#include "cpu/memory/mode.h"
#include "cpu/watch/observe.h"

// Events are held off until the instruction after a load of SS has run. LSS holds nothing off.
static void shadow_set(struct cpu *cpu, const struct op *op, unsigned segment) {
    if (segment != SS) return;
    cpu->boundary.mov_ss_shadow_step = cpu_steps(cpu, op) + 1;
    cpu_look(cpu);
}

// CS, SS, and real-address segments: what blocks depend on may have changed.
static void loaded(struct cpu *cpu, unsigned segment) {
    if (segment == SS) cpu_update_mode(cpu);
}

BODY(mov_to_sreg) {
    (void)W;
    uint64_t value = 0, linear = 0;
    if (op->dst == CS || op->dst > GS) return cpu_fault_ud(cpu);
    if (F == FORM_RM) {
        TRY(op_linear(cpu, op, 2, false, &linear));
        TRY(load(cpu, linear, 16, &value));
    } else {
        value = reg_get(cpu, op->src, 16);
    }
    TRY(segment_load(cpu, op->dst, (uint16_t)value));
    loaded(cpu, op->dst);
    shadow_set(cpu, op, op->dst);
    return OUT_OK;
}
#define FORMS_TO_SREG(X, n) X(n, RR, 32) X(n, RM, 32)
INSTANTIATE(mov_to_sreg, END, FORMS_TO_SREG)

BODY(mov_from_sreg) {
    if (op->src > GS) return cpu_fault_ud(cpu);
    uint16_t selector = cpu->segment[op->src].selector;
    if (F == FORM_RR) {
        reg_set(cpu, op->dst, W, selector);
        return OUT_OK;
    }
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, 2, true, &linear));
    return store(cpu, linear, 16, selector);
}
#define FORMS_FROM_SREG(X, n) WIDTHS_WORD(X, n, RR) X(n, MR, 32)
INSTANTIATE(mov_from_sreg, NEXT, FORMS_FROM_SREG)

// The stack pointer moves as wide as the stack that SS named before.
BODY(pop_sreg) {
    (void)F;
    uint64_t value = 0;
    TRY(stack_top(cpu, F, W, &value));
    uint64_t rsp = cpu->gpr[RSP];
    stack_drop(cpu, W);
    enum outcome outcome = segment_load(cpu, op->dst, (uint16_t)value);
    if (outcome != OUT_OK) {
        cpu->gpr[RSP] = rsp;
        return outcome;
    }
    loaded(cpu, op->dst);
    shadow_set(cpu, op, op->dst);
    return OUT_OK;
}
#define FORMS_POP_SREG(X, n) WIDTHS_WORD(X, n, R)
INSTANTIATE(pop_sreg, END, FORMS_POP_SREG)

// --- far pointers ---

ALWAYS_INLINE enum outcome load_far(struct cpu *cpu, const struct op *op, unsigned w, unsigned segment) {
    uint64_t linear = 0, offset = 0, selector = 0;
    TRY(op_linear(cpu, op, w / 8 + 2, false, &linear));
    TRY(load(cpu, linear, w, &offset));
    TRY(load(cpu, linear + w / 8, 16, &selector));
    TRY(segment_load(cpu, segment, (uint16_t)selector));
    reg_set(cpu, op->dst, w, offset);
    loaded(cpu, segment);
    return OUT_OK;
}
BODY(les) {
    (void)F;
    return load_far(cpu, op, W, ES);
}
BODY(lds) {
    (void)F;
    return load_far(cpu, op, W, DS);
}
BODY(lss) {
    (void)F;
    return load_far(cpu, op, W, SS);
}
BODY(lfs) {
    (void)F;
    return load_far(cpu, op, W, FS);
}
BODY(lgs) {
    (void)F;
    return load_far(cpu, op, W, GS);
}
#define FORMS_LOAD_FAR(X, n) WIDTHS_WORD(X, n, RM)
INSTANTIATE(les, END, FORMS_LOAD_FAR)
INSTANTIATE(lds, END, FORMS_LOAD_FAR)
INSTANTIATE(lss, END, FORMS_LOAD_FAR)
INSTANTIATE(lfs, END, FORMS_LOAD_FAR)
INSTANTIATE(lgs, END, FORMS_LOAD_FAR)

// --- bases, 64-bit mode only ---

BODY(swapgs) {
    BODY_UNUSED;
    OBSERVE_TELL(cpu, op, IMPLICIT, .number = SIGHT_SWAPGS);
    uint64_t base = cpu->segment_base[GS];
    cpu->segment_base[GS] = cpu->msr.kernel_gs_base;
    cpu->msr.kernel_gs_base = base;
    return OUT_OK;
}
INSTANTIATE(swapgs, NEXT, FORMS_ONE_NONE)

ALWAYS_INLINE enum outcome base_read(struct cpu *cpu, const struct op *op, unsigned w, unsigned segment) {
    if (!(cpu->control.cr4 & CR4_FSGSBASE)) return cpu_fault_ud(cpu);
    reg_set(cpu, op->dst, w, cpu->segment_base[segment]);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome base_write(struct cpu *cpu, const struct op *op, unsigned w, unsigned segment) {
    uint64_t value = reg_get(cpu, op->dst, w);
    if (!(cpu->control.cr4 & CR4_FSGSBASE)) return cpu_fault_ud(cpu);
    if (!cpu_canonical_register(cpu, value)) return cpu_fault_gp0(cpu);
    cpu->segment_base[segment] = value;
    return OUT_OK;
}
BODY(rdfsbase) {
    (void)F;
    return base_read(cpu, op, W, FS);
}
BODY(rdgsbase) {
    (void)F;
    return base_read(cpu, op, W, GS);
}
BODY(wrfsbase) {
    (void)F;
    return base_write(cpu, op, W, FS);
}
BODY(wrgsbase) {
    (void)F;
    return base_write(cpu, op, W, GS);
}
#define FORMS_BASE(X, n) WIDTHS_DWORD(X, n, R)
INSTANTIATE(rdfsbase, NEXT, FORMS_BASE)
INSTANTIATE(rdgsbase, NEXT, FORMS_BASE)
INSTANTIATE(wrfsbase, NEXT, FORMS_BASE)
INSTANTIATE(wrgsbase, NEXT, FORMS_BASE)
