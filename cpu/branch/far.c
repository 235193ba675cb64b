// Far jumps, calls and returns: direct, through call gates, in every mode. SDM Vol. 3A, 5.8; Vol. 2A, CALL, JMP;
// Vol. 2B, RET.
#include "cpu/branch/far.h"
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"
#include "cpu/event/segment.h"
#include "cpu/event/task.h"
#include "cpu/memory/mode.h"

enum far_kind { FAR_CALL = TASK_CALL, FAR_JUMP = TASK_JUMP };

ALWAYS_INLINE enum outcome far_pointer(struct cpu *cpu, const struct op *op, enum form f, unsigned w,
                                       uint16_t *selector, uint64_t *offset) {
    *selector = (uint16_t)op->imm;
    *offset = (uint64_t)op->disp & MASK(w);
    if (f == FORM_I) return OUT_OK;
    uint64_t linear = 0, value = 0;
    TRY(op_linear(cpu, op, w / 8 + 2, false, &linear));
    TRY(load(cpu, linear, w, offset));
    TRY(load(cpu, linear + w / 8, 16, &value));
    *selector = (uint16_t)value;
    return OUT_OK;
}

static enum outcome fault_selector(struct cpu *cpu, enum exception_vector vector, uint16_t selector) {
    return cpu_fault_code(cpu, vector, selector_code(selector));
}

// --- real-address and virtual-8086 mode ---

static enum outcome enter_real(struct cpu *cpu, uint16_t selector, uint64_t offset) {
    segment_load_real(cpu, CS, selector);
    cpu_monitor_clear(cpu);
    cpu->rip = offset;
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome push_return(struct cpu *cpu, struct stack *s, const struct op *op, unsigned w) {
    TRY(transfer_push(cpu, s, w, cpu->segment[CS].selector));
    return transfer_push(cpu, s, w, op_next_rip(cpu, op));
}

static enum outcome far_real(struct cpu *cpu, const struct op *op, enum far_kind kind, unsigned w, uint16_t selector,
                             uint64_t offset) {
    TRY(near_target(cpu, offset));
    if (kind == FAR_CALL) {
        struct stack s = transfer_stack(cpu);
        TRY(push_return(cpu, &s, op, w));
        transfer_adopt(cpu, &s);
    }
    return enter_real(cpu, selector, offset);
}

// --- code segments ---

// A transfer without a change of privilege.
static enum outcome enter_code(struct cpu *cpu, const struct op *op, enum far_kind kind, unsigned w, uint16_t selector,
                               struct descriptor *d, uint64_t offset) {
    struct stack s = transfer_stack(cpu);
    TRY(descriptor_target(cpu, d, offset, 0));
    if (kind == FAR_CALL) TRY(push_return(cpu, &s, op, w));
    TRY(descriptor_mark_accessed(cpu, d));
    if (kind == FAR_CALL) transfer_adopt(cpu, &s);
    segment_set_code(cpu, selector, cpu_cpl(cpu), d);
    cpu_monitor_clear(cpu);
    cpu->rip = offset;
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome far_code(struct cpu *cpu, const struct op *op, enum far_kind kind, unsigned w, uint16_t selector,
                             struct descriptor *d, uint64_t offset) {
    unsigned cpl = cpu_cpl(cpu), dpl = rights_dpl(d->rights);
    bool allowed = rights_conforming(d->rights) ? dpl <= cpl : dpl == cpl && selector_rpl(selector) <= cpl;
    if (!allowed || !descriptor_code_valid(cpu, d)) return fault_selector(cpu, VECTOR_GP, selector);
    if (!(d->rights & RIGHTS_P)) return fault_selector(cpu, VECTOR_NP, selector);
    return enter_code(cpu, op, kind, w, selector, d, offset);
}

// --- call gates, SDM Vol. 3A, 5.8.3 and 5.8.3.1 ---

struct call_gate {
    uint16_t selector;
    uint64_t offset;
    unsigned width; // of the pushes, in bits
    unsigned parameters;
};

static enum outcome gate_read(struct cpu *cpu, uint16_t selector, struct descriptor *d, struct call_gate *g) {
    enum { HIGH_TYPE_SHIFT = 40, HIGH_TYPE = 31 };
    bool wide = d->rights & BIT(3);
    if (cpu_long(cpu)) {
        TRY(descriptor_fetch_high(cpu, selector, d));
        if (d->high >> HIGH_TYPE_SHIFT & HIGH_TYPE) return fault_selector(cpu, VECTOR_GP, selector);
    }
    unsigned dpl = rights_dpl(d->rights);
    if (dpl < cpu_cpl(cpu) || dpl < selector_rpl(selector)) return fault_selector(cpu, VECTOR_GP, selector);
    if (!(d->rights & RIGHTS_P)) return fault_selector(cpu, VECTOR_NP, selector);
    g->selector = (uint16_t)(d->raw >> 16);
    g->offset = (d->raw & BITS(15, 0)) | (wide ? d->raw >> 32 & BITS(31, 16) : 0) | d->high << 32;
    g->width = cpu_long(cpu) ? 64 : wide ? 32 : 16;
    g->parameters = d->raw >> 32 & 31;
    return OUT_OK;
}

static enum outcome gate_target(struct cpu *cpu, const struct call_gate *g, enum far_kind kind, struct descriptor *d) {
    unsigned cpl = cpu_cpl(cpu);
    if (selector_null(g->selector)) return cpu_fault_gp0(cpu);
    TRY(descriptor_fetch(cpu, g->selector, 8, VECTOR_GP, 0, d));
    unsigned dpl = rights_dpl(d->rights);
    bool same = kind == FAR_JUMP && !rights_conforming(d->rights);
    if (!rights_code(d->rights) || dpl > cpl || (same && dpl != cpl))
        return fault_selector(cpu, VECTOR_GP, g->selector);
    if (cpu_long(cpu) && (d->rights & (RIGHTS_L | RIGHTS_DB)) != RIGHTS_L)
        return fault_selector(cpu, VECTOR_GP, g->selector);
    return d->rights & RIGHTS_P ? OUT_OK : fault_selector(cpu, VECTOR_NP, g->selector);
}

static enum outcome copy_parameters(struct cpu *cpu, const struct call_gate *g, struct stack *to) {
    uint64_t value[31];
    struct stack from = transfer_stack(cpu);
    for (unsigned i = 0; i < g->parameters; i++) TRY(transfer_pop(cpu, &from, g->width, &value[i]));
    for (unsigned i = g->parameters; i-- > 0;) TRY(transfer_push(cpu, to, g->width, value[i]));
    return OUT_OK;
}

// A call to a more privileged level: onto the stack of that level.
static enum outcome gate_inner(struct cpu *cpu, const struct op *op, const struct call_gate *g,
                               struct descriptor *code) {
    unsigned cpl = rights_dpl(code->rights);
    struct stack s = {.mask = ~0ull, .flat = true, .cpl = cpl};
    struct descriptor ss;
    uint16_t selector = 0;
    uint64_t sp = 0;
    if (cpu_long(cpu)) {
        TRY(tss_stack_64(cpu, cpl, 0, 0, &s.sp));
    } else {
        TRY(tss_stack(cpu, cpl, 0, &selector, &ss, &sp));
        TRY(descriptor_mark_accessed(cpu, &ss));
        s = transfer_stack_of(selector, &ss, sp, cpl, 0);
    }
    TRY(descriptor_target(cpu, code, g->offset, 0));
    TRY(transfer_push(cpu, &s, g->width, cpu->segment[SS].selector));
    TRY(transfer_push(cpu, &s, g->width, cpu->gpr[RSP]));
    if (!cpu_long(cpu)) TRY(copy_parameters(cpu, g, &s));
    TRY(push_return(cpu, &s, op, g->width));
    TRY(descriptor_mark_accessed(cpu, code));
    if (cpu_long(cpu))
        segment_set_null_stack(cpu, cpl);
    else
        segment_set(cpu, SS, selector, &ss);
    cpu->gpr[RSP] = cpu_long(cpu) ? s.sp : (uint32_t)s.sp;
    segment_set_code(cpu, g->selector, cpl, code);
    cpu_monitor_clear(cpu);
    cpu->rip = g->offset;
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome far_gate(struct cpu *cpu, const struct op *op, enum far_kind kind, uint16_t selector,
                             struct descriptor *gate) {
    struct call_gate g = {0};
    struct descriptor code;
    TRY(gate_read(cpu, selector, gate, &g));
    TRY(gate_target(cpu, &g, kind, &code));
    bool inner = kind == FAR_CALL && !rights_conforming(code.rights) && rights_dpl(code.rights) < cpu_cpl(cpu);
    if (inner) return gate_inner(cpu, op, &g, &code);
    return enter_code(cpu, op, kind, g.width, g.selector, &code, g.offset);
}

// To a TSS, directly or through a task gate: the descriptor that the instruction names decides the privilege.
static enum outcome far_task(struct cpu *cpu, const struct op *op, enum far_kind kind, uint16_t selector,
                             const struct descriptor *d) {
    unsigned dpl = rights_dpl(d->rights);
    bool gate = rights_system_type(d->rights) == TYPE_TASK_GATE;
    if (dpl < cpu_cpl(cpu) || dpl < selector_rpl(selector)) return fault_selector(cpu, VECTOR_GP, selector);
    if (gate && !(d->rights & RIGHTS_P)) return fault_selector(cpu, VECTOR_NP, selector);
    struct task_switch t = {.source = (enum task_source)kind,
                            .rip = op_next_rip(cpu, op),
                            .rflags = cpu_rflags(cpu),
                            .selector = gate ? task_gate_selector(d->raw) : selector,
                            .tss = gate ? NULL : d};
    return task_switch(cpu, op, &t);
}

static enum outcome far_transfer(struct cpu *cpu, const struct op *op, enum far_kind kind, unsigned w,
                                 uint16_t selector, uint64_t offset) {
    struct descriptor d;
    if (!cpu_protected(cpu)) return far_real(cpu, op, kind, w, selector, offset);
    if (selector_null(selector)) return cpu_fault_gp0(cpu);
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_GP, 0, &d));
    if (rights_code(d.rights)) return far_code(cpu, op, kind, w, selector, &d, offset);
    switch (rights_system_type(d.rights)) {
    case TYPE_CALL_GATE16:
        if (cpu_long(cpu)) break;
        [[fallthrough]];
    case TYPE_CALL_GATE32: return far_gate(cpu, op, kind, selector, &d);
    case TYPE_TSS16:
    case TYPE_TSS32:
    case TYPE_TASK_GATE:
        if (!cpu_long(cpu)) return far_task(cpu, op, kind, selector, &d);
        break;
    default: break;
    }
    return fault_selector(cpu, VECTOR_GP, selector);
}

BODY(jmp_far) {
    uint16_t selector = 0;
    uint64_t offset = 0;
    TRY(far_pointer(cpu, op, F, W, &selector, &offset));
    return far_transfer(cpu, op, FAR_JUMP, W, selector, offset);
}

BODY(call_far) {
    uint16_t selector = 0;
    uint64_t offset = 0;
    TRY(far_pointer(cpu, op, F, W, &selector, &offset));
    return far_transfer(cpu, op, FAR_CALL, W, selector, offset);
}

#define FORMS_FAR(X, n) X(n, I, 16) X(n, I, 32) WIDTHS_WORD(X, n, M)
INSTANTIATE(jmp_far, BRANCH, FORMS_FAR)
INSTANTIATE(call_far, BRANCH, FORMS_FAR)

// --- returns ---

enum outcome return_code(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    unsigned rpl = selector_rpl(selector);
    if (selector_null(selector)) return cpu_fault_gp0(cpu);
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_GP, 0, d));
    unsigned dpl = rights_dpl(d->rights);
    bool allowed = rights_conforming(d->rights) ? dpl <= rpl : dpl == rpl;
    if (!rights_code(d->rights) || rpl < cpu_cpl(cpu) || !allowed || !descriptor_code_valid(cpu, d))
        return fault_selector(cpu, VECTOR_GP, selector);
    return d->rights & RIGHTS_P ? OUT_OK : fault_selector(cpu, VECTOR_NP, selector);
}

enum outcome return_stack(struct cpu *cpu, uint16_t selector, unsigned cpl, bool to_64bit, struct descriptor *d) {
    if (selector_null(selector))
        return to_64bit && cpl != 3 && selector_rpl(selector) == cpl ? OUT_OK : cpu_fault_gp0(cpu);
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_GP, 0, d));
    if (selector_rpl(selector) != cpl || rights_dpl(d->rights) != cpl || !rights_writable_data(d->rights))
        return fault_selector(cpu, VECTOR_GP, selector);
    if (!(d->rights & RIGHTS_P)) return fault_selector(cpu, VECTOR_SS, selector);
    return descriptor_mark_accessed(cpu, d);
}

void return_stack_set(struct cpu *cpu, uint16_t selector, unsigned cpl, const struct descriptor *d) {
    if (selector_null(selector))
        segment_set_null_stack(cpu, cpl);
    else
        segment_set(cpu, SS, selector, d);
}

// The selector becomes 0, also where it was null with another RPL, and the segment unusable; the manual is silent on
// the base: processors of Intel keep it, as 64-bit code can see through FS and GS.
void return_drop_segments(struct cpu *cpu, unsigned cpl) {
    static const uint8_t segments[] = {ES, FS, GS, DS};
    for (unsigned i = 0; i < 4; i++) {
        uint32_t rights = cpu->segment[segments[i]].rights;
        bool null = rights & RIGHTS_UNUSABLE && selector_null(cpu->segment[segments[i]].selector);
        if (!null && (rights & RIGHTS_UNUSABLE || rights_conforming(rights) || rights_dpl(rights) >= cpl)) continue;
        cpu->segment[segments[i]].selector = 0;
        cpu->segment[segments[i]].rights |= RIGHTS_UNUSABLE;
    }
}

// The new stack pointer, as wide as the new stack, after `release` bytes of parameters.
static void adopt_outer(struct cpu *cpu, uint64_t rsp, unsigned release, bool to_64bit) {
    struct stack s = transfer_stack(cpu);
    s.mask = to_64bit ? ~0ull : cpu->segment[SS].rights & RIGHTS_DB ? BITS(31, 0) : BITS(15, 0);
    s.sp = rsp + release;
    transfer_adopt(cpu, &s);
}

static enum outcome ret_outer(struct cpu *cpu, struct stack *s, unsigned w, unsigned release, uint16_t selector,
                              struct descriptor *code, uint64_t rip) {
    unsigned cpl = selector_rpl(selector);
    bool to_64bit = descriptor_code_64bit(cpu, code);
    uint64_t rsp = 0, ss = 0;
    struct descriptor d;
    s->sp += release;
    TRY(transfer_pop(cpu, s, w, &rsp));
    TRY(transfer_pop(cpu, s, w, &ss));
    TRY(return_stack(cpu, (uint16_t)ss, cpl, to_64bit, &d));
    TRY(descriptor_target(cpu, code, rip, 0));
    TRY(descriptor_mark_accessed(cpu, code));
    segment_set_code(cpu, selector, cpl, code);
    return_stack_set(cpu, (uint16_t)ss, cpl, &d);
    adopt_outer(cpu, rsp, release, to_64bit);
    return_drop_segments(cpu, cpl);
    cpu->rip = rip;
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome ret_far_to(struct cpu *cpu, unsigned w, unsigned release) {
    struct stack s = transfer_stack(cpu);
    struct descriptor code;
    uint64_t rip = 0, cs = 0;
    TRY(transfer_pop(cpu, &s, w, &rip));
    TRY(transfer_pop(cpu, &s, w, &cs));
    uint16_t selector = (uint16_t)cs;
    if (!cpu_protected(cpu)) {
        TRY(near_target(cpu, rip));
        s.sp += release;
        transfer_adopt(cpu, &s);
        return enter_real(cpu, selector, rip);
    }
    TRY(return_code(cpu, selector, &code));
    if (selector_rpl(selector) > cpu_cpl(cpu)) return ret_outer(cpu, &s, w, release, selector, &code, rip);
    TRY(descriptor_target(cpu, &code, rip, 0));
    TRY(descriptor_mark_accessed(cpu, &code));
    s.sp += release;
    transfer_adopt(cpu, &s);
    segment_set_code(cpu, selector, cpu_cpl(cpu), &code);
    cpu->rip = rip;
    cpu_update_mode(cpu);
    return OUT_OK;
}

BODY(ret_far) {
    BODY_UNUSED;
    return ret_far_to(cpu, W, F == FORM_I ? (uint16_t)op->imm : 0);
}
#define FORMS_RET_FAR(X, n) WIDTHS_WORD(X, n, NONE) WIDTHS_WORD(X, n, I)
INSTANTIATE(ret_far, BRANCH, FORMS_RET_FAR)
