// Task switches by JMP, CALL, IRET and task gates, between 16- and 32-bit TSSs. SDM Vol. 3A, 7.2 (the structures),
// 7.3 (the steps; Table 7-1, the checks and their order; Table 7-2, busy flag, NT and link), Vol. 3B, 17.3.1.5 (the
// T flag), 17.2.4 (local breakpoints); Vol. 3C, 25.4.2 (the VM exit comes after the checks of the descriptor).
//
// Nothing is changed before everything that the switch writes was found writable; from there on faults belong to the
// new task. A 16-bit TSS leaves FS and GS null, and the upper halves of the general registers full of ones: the manual
// says that they are "modified and not maintained" (7.6); ones is what Bochs and PCem know of hardware (KVM writes
// zeros, QEMU keeps them since 2021).
#include "cpu/event/task.h"
#include "cpu/memory/access.h"
#include "cpu/event/descriptor.h"
#include "cpu/state/intercept.h"
#include "cpu/event/segment.h"
#include "cpu/event/control.h"
#include "cpu/memory/mode.h"

#define TSS_BUSY 2u
#define DEBUG_BT BIT(15)
#define DR7_LOCAL (BIT(0) | BIT(2) | BIT(4) | BIT(6) | BIT(8)) // L0 to L3, LE

enum { TASK_SEGMENTS = 6 }; // ES CS SS DS FS GS

// Offsets in the TSS, Figures 7-2 and 7-10.
struct tss_layout {
    uint8_t cr3, rip, rflags, gpr, segment, ldt, trap; // 0: it has none
    uint8_t width;                                     // bits of a general register
    uint8_t segments;
    uint8_t segment_bytes; // from one selector to the next
    uint8_t last;          // the least limit
};
static const struct tss_layout layout_16 = {.rip = 14,
                                            .rflags = 16,
                                            .gpr = 18,
                                            .segment = 34,
                                            .ldt = 42,
                                            .width = 16,
                                            .segments = 4,
                                            .segment_bytes = 2,
                                            .last = 0x2b};
static const struct tss_layout layout_32 = {.cr3 = 28,
                                            .rip = 32,
                                            .rflags = 36,
                                            .gpr = 40,
                                            .segment = 72,
                                            .ldt = 96,
                                            .trap = 100,
                                            .width = 32,
                                            .segments = 6,
                                            .segment_bytes = 4,
                                            .last = 0x67};

static const struct tss_layout *layout_of(uint32_t rights) { return rights & BIT(3) ? &layout_32 : &layout_16; }

struct task_image {
    uint64_t cr3, rip, rflags, gpr[8], segment[TASK_SEGMENTS], ldt, trap;
};

// --- the new TSS's descriptor ---

static enum outcome task_fault(struct cpu *cpu, const struct task_switch *t, enum exception_vector vector,
                               uint16_t selector) {
    return cpu_fault_code(cpu, vector, selector_code(selector) | t->ext);
}

static enum outcome tss_fetch(struct cpu *cpu, const struct task_switch *t, struct descriptor *d) {
    enum exception_vector vector = t->source == TASK_IRET ? VECTOR_TS : VECTOR_GP;
    if (selector_null(t->selector) || t->selector & SELECTOR_TI) return task_fault(cpu, t, vector, t->selector);
    if (t->tss)
        *d = *t->tss;
    else
        TRY(descriptor_fetch(cpu, t->selector, 8, vector, t->ext, d));
    unsigned type = rights_system_type(d->rights), busy = t->source == TASK_IRET ? TSS_BUSY : 0;
    if (type != (TYPE_TSS16 | busy) && type != (TYPE_TSS32 | busy)) return task_fault(cpu, t, vector, t->selector);
    if (!(d->rights & RIGHTS_P)) return task_fault(cpu, t, VECTOR_NP, t->selector);
    if (d->limit < layout_of(d->rights)->last) return task_fault(cpu, t, VECTOR_TS, t->selector);
    return OUT_OK;
}

// --- the state in memory ---

// Makes sure that a byte can be written.
static enum outcome touch(struct cpu *cpu, uint64_t linear) {
    uint64_t value = 0;
    TRY(system_load(cpu, linear, 8, &value));
    return system_store(cpu, linear, 8, value);
}
static enum outcome touch_range(struct cpu *cpu, uint64_t linear, unsigned last) {
    TRY(touch(cpu, linear));
    return touch(cpu, (uint32_t)(linear + last));
}

static enum outcome image_load(struct cpu *cpu, uint64_t base, const struct tss_layout *l, struct task_image *i) {
    *i = (struct task_image){0};
    if (l->cr3) TRY(system_load(cpu, base + l->cr3, 32, &i->cr3));
    if (l->trap) TRY(system_load(cpu, base + l->trap, 16, &i->trap));
    TRY(system_load(cpu, base + l->rip, l->width, &i->rip));
    TRY(system_load(cpu, base + l->rflags, l->width, &i->rflags));
    TRY(system_load(cpu, base + l->ldt, 16, &i->ldt));
    const uint64_t upper = l->width == 16 ? BITS(31, 16) : 0;
    for (unsigned r = 0; r < 8; r++) {
        TRY(system_load(cpu, base + l->gpr + r * l->width / 8, l->width, &i->gpr[r]));
        i->gpr[r] |= upper;
    }
    for (unsigned s = 0; s < l->segments; s++)
        TRY(system_load(cpu, base + l->segment + s * l->segment_bytes, 16, &i->segment[s]));
    return OUT_OK;
}

static enum outcome image_store(struct cpu *cpu, uint64_t base, const struct tss_layout *l,
                                const struct task_switch *t) {
    uint64_t rflags = t->source == TASK_IRET ? t->rflags & ~FLAG_NT : t->rflags;
    TRY(system_store(cpu, base + l->rip, l->width, t->rip));
    TRY(system_store(cpu, base + l->rflags, l->width, rflags));
    for (unsigned r = 0; r < 8; r++) TRY(system_store(cpu, base + l->gpr + r * l->width / 8, l->width, cpu->gpr[r]));
    for (unsigned s = 0; s < l->segments; s++)
        TRY(system_store(cpu, base + l->segment + s * l->segment_bytes, 16, cpu->segment[s].selector));
    return OUT_OK;
}

static enum outcome busy_set(struct cpu *cpu, struct descriptor *d, bool busy) {
    enum { TYPE_BYTE = 5 };
    d->rights = busy ? d->rights | TSS_BUSY : d->rights & ~TSS_BUSY;
    return system_store(cpu, d->linear + TYPE_BYTE, 8, d->rights & BITS(7, 0));
}

// --- entering the new task: Table 7-1 from the LDT on ---

static enum outcome enter_ldt(struct cpu *cpu, const struct task_switch *t, uint16_t selector) {
    struct descriptor d;
    segment_set_null(cpu, LDTR, selector);
    if (selector_null(selector)) return OUT_OK;
    if (selector & SELECTOR_TI) return task_fault(cpu, t, VECTOR_TS, selector);
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_TS, t->ext, &d));
    if (rights_system_type(d.rights) != TYPE_LDT || !(d.rights & RIGHTS_P))
        return task_fault(cpu, t, VECTOR_TS, selector);
    segment_set(cpu, LDTR, selector, &d);
    return OUT_OK;
}

static enum outcome enter_code(struct cpu *cpu, const struct task_switch *t, uint16_t selector) {
    struct descriptor d;
    unsigned rpl = selector_rpl(selector);
    if (selector_null(selector)) return task_fault(cpu, t, VECTOR_TS, selector);
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_TS, t->ext, &d));
    unsigned dpl = rights_dpl(d.rights);
    if (!rights_code(d.rights) || (rights_conforming(d.rights) ? dpl > rpl : dpl != rpl))
        return task_fault(cpu, t, VECTOR_TS, selector);
    if (!(d.rights & RIGHTS_P)) return task_fault(cpu, t, VECTOR_NP, selector);
    TRY(descriptor_mark_accessed(cpu, &d));
    segment_set(cpu, CS, selector, &d);
    return OUT_OK;
}

static enum outcome enter_stack(struct cpu *cpu, const struct task_switch *t, uint16_t selector, unsigned cpl) {
    struct descriptor d;
    if (selector_null(selector)) return task_fault(cpu, t, VECTOR_TS, selector);
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_TS, t->ext, &d));
    if (selector_rpl(selector) != cpl || rights_dpl(d.rights) != cpl || !rights_writable_data(d.rights))
        return task_fault(cpu, t, VECTOR_TS, selector);
    if (!(d.rights & RIGHTS_P)) return task_fault(cpu, t, VECTOR_SS, selector);
    TRY(descriptor_mark_accessed(cpu, &d));
    segment_set(cpu, SS, selector, &d);
    return OUT_OK;
}

static enum outcome enter_data(struct cpu *cpu, const struct task_switch *t, unsigned segment, uint16_t selector,
                               unsigned cpl) {
    struct descriptor d;
    if (selector_null(selector)) return OUT_OK;
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_TS, t->ext, &d));
    bool readable = d.rights & RIGHTS_S && (!(d.rights & RIGHTS_CODE) || d.rights & RIGHTS_READABLE);
    unsigned dpl = rights_dpl(d.rights);
    bool allowed = rights_conforming(d.rights) || (dpl >= cpl && dpl >= selector_rpl(selector));
    if (!readable || !allowed) return task_fault(cpu, t, VECTOR_TS, selector);
    if (!(d.rights & RIGHTS_P)) return task_fault(cpu, t, VECTOR_NP, selector);
    TRY(descriptor_mark_accessed(cpu, &d));
    segment_set(cpu, segment, selector, &d);
    return OUT_OK;
}

static enum outcome enter_segments(struct cpu *cpu, const struct task_switch *t, const struct task_image *i) {
    static const uint8_t data[] = {DS, ES, FS, GS};
    if (cpu->rflags & FLAG_VM) {
        for (unsigned s = 0; s < TASK_SEGMENTS; s++) segment_load_real(cpu, s, (uint16_t)i->segment[s]);
        return enter_ldt(cpu, t, (uint16_t)i->ldt);
    }
    unsigned cpl = selector_rpl((uint16_t)i->segment[CS]);
    TRY(enter_ldt(cpu, t, (uint16_t)i->ldt));
    TRY(enter_code(cpu, t, (uint16_t)i->segment[CS]));
    TRY(enter_stack(cpu, t, (uint16_t)i->segment[SS], cpl));
    for (unsigned s = 0; s < 4; s++) TRY(enter_data(cpu, t, data[s], (uint16_t)i->segment[data[s]], cpl));
    return OUT_OK;
}

static enum outcome push_error_code(struct cpu *cpu, const struct task_switch *t, const struct tss_layout *l) {
    struct stack s = transfer_stack(cpu);
    s.fault_code = t->ext;
    TRY(transfer_push(cpu, &s, l->width, t->error_code));
    transfer_adopt(cpu, &s);
    return OUT_OK;
}

// All selectors are in place before the first descriptor is looked at, so that a fault finds the new task's.
static void enter_registers(struct cpu *cpu, const struct task_image *i) {
    unsigned cpl = i->rflags & FLAG_VM ? 3 : selector_rpl((uint16_t)i->segment[CS]);
    for (unsigned s = 0; s < TASK_SEGMENTS; s++) segment_set_null(cpu, s, (uint16_t)i->segment[s]);
    cpu->segment[SS].rights |= cpl << RIGHTS_DPL_SHIFT;
    segment_set_null(cpu, LDTR, (uint16_t)i->ldt);
    for (unsigned r = 0; r < 8; r++) cpu->gpr[r] = i->gpr[r];
    cpu->rip = i->rip;
    cpu->control.cr0 |= CR0_TS;
    cpu->control.dr[7] &= ~(uint64_t)DR7_LOCAL;
    cpu_set_rflags(cpu, i->rflags);
    cpu_update_mode(cpu);
}

static enum outcome enter(struct cpu *cpu, const struct task_switch *t, const struct tss_layout *l,
                          const struct task_image *i) {
    enter_registers(cpu, i);
    if (cpu->control.cr0 & CR0_PG && l->cr3) TRY(cr3_write(cpu, i->cr3));
    enum outcome outcome = enter_segments(cpu, t, i);
    cpu_update_mode(cpu);
    TRY(outcome);
    if (t->has_error_code) TRY(push_error_code(cpu, t, l));
    if (cpu->rip > cpu->segment[CS].limit) return cpu_fault_code(cpu, VECTOR_GP, t->ext);
    if (!(i->trap & 1)) return OUT_OK;
    cpu->boundary.pending_debug |= DEBUG_BT;
    cpu_pend(cpu, PENDING_DEBUG, true);
    return OUT_OK;
}

// --- the switch ---

static enum outcome probe(struct cpu *cpu, const struct task_switch *t, const struct descriptor *old,
                          const struct descriptor *new) {
    const struct tss_layout *l = layout_of(cpu->segment[TR].rights);
    uint64_t base = cpu->segment_base[TR];
    TRY(touch_range(cpu, base + l->rip, l->last - l->rip));
    if (t->source == TASK_CALL || t->source == TASK_EVENT) TRY(touch_range(cpu, new->base, 1));
    TRY(touch_range(cpu, old->linear, 7));
    return touch_range(cpu, new->linear, 7);
}

enum outcome task_switch(struct cpu *cpu, const struct op *op, const struct task_switch *t) {
    const struct segment *tr = &cpu->segment[TR];
    bool nested = t->source == TASK_CALL || t->source == TASK_EVENT;
    uint16_t link = tr->selector;
    struct descriptor old, new;
    struct task_image image;
    TRY(tss_fetch(cpu, t, &new));
    TRY(intercept(cpu, op, ICEPT_TASK_SWITCH, OPERAND(.task = {t->selector, (uint8_t)t->source})));
    const struct tss_layout *from = layout_of(tr->rights), *to = layout_of(new.rights);
    if (tr->limit < from->last) return task_fault(cpu, t, VECTOR_TS, link);
    TRY(descriptor_fetch(cpu, link, 8, VECTOR_TS, t->ext, &old));
    TRY(image_load(cpu, new.base, to, &image));
    TRY(probe(cpu, t, &old, &new));
    if (!nested) TRY(busy_set(cpu, &old, false));
    TRY(image_store(cpu, cpu->segment_base[TR], from, t));
    if (nested) TRY(system_store(cpu, new.base, 16, link));
    if (nested) image.rflags |= FLAG_NT;
    TRY(busy_set(cpu, &new, true));
    segment_set(cpu, TR, t->selector, &new);
    cpu->attempt.trap = 0;
    return enter(cpu, t, to, &image);
}
