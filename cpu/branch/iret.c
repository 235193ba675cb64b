// IRET, in every mode. SDM Vol. 2A, IRET; Vol. 3A, 6.7.1 (NMI unblocking), 6.14.3 (IRET in IA-32e mode).
#include "cpu/event/vm86.h"
#include "cpu/engine/body.h"
#include "cpu/branch/far.h"
#include "cpu/state/intercept.h"
#include "cpu/event/segment.h"
#include "cpu/event/task.h"
#include "cpu/memory/mode.h"

struct iret_frame {
    uint64_t rip, cs, rflags;
};

// NMIs are unblocked even when IRET faults.
static enum outcome nmi_unblock(struct cpu *cpu, const struct op *op) {
    if (cpu->intercepts.enabled & BIT(ICEPT_IRET)) return cpu->intercepts.check(cpu, op, ICEPT_IRET, NO_OPERAND);
    cpu->boundary.nmi_blocked = 0;
    cpu_look(cpu);
    return OUT_OK;
}

// The flags that IRET may change at this privilege and operand size come from the image.
static void set_flags(struct cpu *cpu, unsigned w, unsigned cpl, unsigned iopl, uint64_t image) {
    uint64_t mask = FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT;
    if (w >= 32) mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    if (cpl <= iopl) mask |= FLAG_IF;
    if (cpl == 0) mask |= FLAG_IOPL;
    if (cpl == 0 && w >= 32 && cpu_protected(cpu)) mask |= FLAG_VIF | FLAG_VIP;
    cpu_set_rflags(cpu, (cpu_rflags(cpu) & ~mask) | (image & mask));
}

static enum outcome pop_frame(struct cpu *cpu, struct stack *s, unsigned w, struct iret_frame *f) {
    TRY(transfer_pop(cpu, s, w, &f->rip));
    TRY(transfer_pop(cpu, s, w, &f->cs));
    return transfer_pop(cpu, s, w, &f->rflags);
}

static enum outcome iret_real(struct cpu *cpu, unsigned w) {
    struct stack s = transfer_stack(cpu);
    struct iret_frame f = {0};
    TRY(pop_frame(cpu, &s, w, &f));
    TRY(near_target(cpu, f.rip));
    transfer_adopt(cpu, &s);
    segment_load_real(cpu, CS, (uint16_t)f.cs);
    cpu->rip = f.rip;
    unsigned iopl = cpu_iopl(cpu);
    if (cpu_vm86(cpu))
        set_flags(cpu, w, 3, iopl, f.rflags);
    else
        set_flags(cpu, w, 0, iopl, f.rflags);
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome iret_to_vm86(struct cpu *cpu, struct stack *s, const struct iret_frame *f) {
    static const uint8_t order[] = {SS, ES, DS, FS, GS};
    uint64_t esp = 0, selector[5] = {0};
    TRY(transfer_pop(cpu, s, 32, &esp));
    for (unsigned i = 0; i < 5; i++) TRY(transfer_pop(cpu, s, 32, &selector[i]));
    if (f->rip > UINT16_MAX) return cpu_fault_gp0(cpu);
    cpu_set_rflags(cpu, f->rflags);
    cpu_update_mode(cpu);
    segment_load_real(cpu, CS, (uint16_t)f->cs);
    for (unsigned i = 0; i < 5; i++) segment_load_real(cpu, order[i], (uint16_t)selector[i]);
    cpu->gpr[RSP] = (uint32_t)esp;
    cpu->rip = f->rip;
    cpu_update_mode(cpu);
    return OUT_OK;
}

// A return that takes SS:RSP from the frame too: to an outer level, and always in 64-bit mode.
static enum outcome iret_with_stack(struct cpu *cpu, struct stack *s, unsigned w, const struct iret_frame *f,
                                    struct descriptor *code) {
    unsigned old_cpl = cpu_cpl(cpu), cpl = selector_rpl((uint16_t)f->cs), iopl = cpu_iopl(cpu);
    bool to_64bit = descriptor_code_64bit(cpu, code);
    uint64_t rsp = 0, ss = 0;
    struct descriptor d;
    TRY(transfer_pop(cpu, s, w, &rsp));
    TRY(transfer_pop(cpu, s, w, &ss));
    TRY(return_stack(cpu, (uint16_t)ss, cpl, to_64bit, &d));
    TRY(descriptor_target(cpu, code, f->rip, 0));
    TRY(descriptor_mark_accessed(cpu, code));
    segment_set_code(cpu, (uint16_t)f->cs, cpl, code);
    return_stack_set(cpu, (uint16_t)ss, cpl, &d);
    bool wide_stack = to_64bit || cpu->segment[SS].rights & RIGHTS_DB;
    cpu->gpr[RSP] = wide_stack ? rsp : (cpu->gpr[RSP] & ~BITS(15, 0)) | (rsp & BITS(15, 0));
    if (cpl > old_cpl) return_drop_segments(cpu, cpl);
    cpu->rip = f->rip;
    set_flags(cpu, w, old_cpl, iopl, f->rflags);
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome iret_same(struct cpu *cpu, struct stack *s, unsigned w, const struct iret_frame *f,
                              struct descriptor *code) {
    unsigned cpl = cpu_cpl(cpu), iopl = cpu_iopl(cpu);
    TRY(descriptor_target(cpu, code, f->rip, 0));
    TRY(descriptor_mark_accessed(cpu, code));
    transfer_adopt(cpu, s);
    segment_set_code(cpu, (uint16_t)f->cs, cpl, code);
    cpu->rip = f->rip;
    set_flags(cpu, w, cpl, iopl, f->rflags);
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome iret_from_task(struct cpu *cpu, const struct op *op) {
    uint64_t link = 0;
    if (cpu_long(cpu)) return cpu_fault_gp0(cpu);
    TRY(system_load(cpu, cpu->segment_base[TR], 16, &link));
    struct task_switch t = {
        .source = TASK_IRET, .selector = (uint16_t)link, .rip = op_next_rip(cpu, op), .rflags = cpu_rflags(cpu)};
    return task_switch(cpu, op, &t);
}

static enum outcome iret_protected(struct cpu *cpu, const struct op *op, unsigned w) {
    struct stack s = transfer_stack(cpu);
    struct iret_frame f = {0};
    struct descriptor code;
    if (cpu->rflags & FLAG_NT) return iret_from_task(cpu, op);
    TRY(pop_frame(cpu, &s, w, &f));
    if (w == 32 && f.rflags & FLAG_VM && cpu_cpl(cpu) == 0 && !cpu_long(cpu)) return iret_to_vm86(cpu, &s, &f);
    TRY(return_code(cpu, (uint16_t)f.cs, &code));
    bool outer = selector_rpl((uint16_t)f.cs) > cpu_cpl(cpu);
    if (outer || cpu_64bit(cpu)) return iret_with_stack(cpu, &s, w, &f, &code);
    return iret_same(cpu, &s, w, &f, &code);
}

BODY(iret) {
    (void)F;
    if (cpu_vm86(cpu) && cpu_iopl(cpu) < 3 && (W != 16 || !(cpu->control.cr4 & CR4_VME))) return cpu_fault_gp0(cpu);
    TRY(nmi_unblock(cpu, op));
    if (cpu_vm86(cpu) && cpu_iopl(cpu) < 3) return vm86_iret(cpu, W);
    return cpu_protected(cpu) ? iret_protected(cpu, op, W) : iret_real(cpu, W);
}
#define FORMS_IRET(X, n) WIDTHS_WORD(X, n, NONE)
INSTANTIATE(iret, BRANCH, FORMS_IRET)
