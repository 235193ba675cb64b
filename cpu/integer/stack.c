// PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE. SDM Vol. 2; Vol. 1, 6.2 to 6.5; Vol. 3B, 20.2.7 (virtual-8086 mode).
// POP to segment registers is in cpu/system*.c.
// Every operand is checked, or stored, before a register changes; stores below the stack pointer may be repeated.
#include "cpu/integer/stack.h"
#include "cpu/integer/integer_body.h"
#include "cpu/memory/mode.h"

enum outcome stack_load(struct cpu *cpu, unsigned w, uint64_t offset, uint64_t *v) {
    uint64_t linear = 0, at = (cpu->gpr[RSP] + offset) & stack_mask(cpu);
    TRY(segment_linear(cpu, SS, at, w / 8, false, &linear));
    return load(cpu, linear, w, v);
}

enum outcome stack_store(struct cpu *cpu, unsigned w, uint64_t offset, uint64_t v) {
    uint64_t linear = 0, at = (cpu->gpr[RSP] + offset) & stack_mask(cpu);
    TRY(segment_linear(cpu, SS, at, w / 8, true, &linear));
    return store(cpu, linear, w, v);
}

enum outcome stack_push_slow(struct cpu *cpu, unsigned w, uint64_t v) {
    uint64_t size = w / 8;
    TRY(stack_store(cpu, w, 0 - size, v));
    stack_pointer_add(cpu, 0 - size);
    return OUT_OK;
}

#define FORMS_PUSH(X, n) WIDTHS_WORD(X, n, R) WIDTHS_WORD(X, n, M) WIDTHS_WORD(X, n, I)
INSTANTIATE(push, FAST, FORMS_PUSH)

// A 32-bit push of a segment register writes the selector alone and leaves the upper half of the stack slot, as
// processors do (SDM Vol. 2B, PUSH: "recent processors perform a 16-bit move"); a 64-bit one zero-extends.
BODY(push_segment) {
    (void)F;
    uint64_t selector = cpu->segment[op->dst].selector;
    if (W != 32) return stack_push(cpu, F, W, selector);
    TRY(stack_store(cpu, 16, 0 - 4ull, selector));
    stack_pointer_add(cpu, 0 - 4ull);
    return OUT_OK;
}
#define FORMS_PUSH_SEGMENT(X, n) WIDTHS_WORD(X, n, R)
INSTANTIATE(push_segment, NEXT, FORMS_PUSH_SEGMENT)

#define FORMS_POP(X, n) WIDTHS_WORD(X, n, R) WIDTHS_WORD(X, n, M)
INSTANTIATE(pop, FAST, FORMS_POP)

// --- all registers ---

BODY(pusha) {
    (void)F, (void)op;
    for (unsigned i = 0; i < 8; i++) TRY(stack_store(cpu, W, 0 - (uint64_t)(i + 1) * (W / 8), cpu->gpr[i]));
    stack_pointer_add(cpu, 0 - 8ull * (W / 8));
    return OUT_OK;
}
#define FORMS_LEGACY(X, n) X(n, NONE, 16) X(n, NONE, 32)
INSTANTIATE(pusha, NEXT, FORMS_LEGACY)

BODY(popa) {
    (void)F, (void)op;
    uint64_t v[8];
    for (unsigned i = 0; i < 8; i++) TRY(stack_load(cpu, W, (uint64_t)i * (W / 8), &v[7 - i]));
    stack_pointer_add(cpu, 8ull * (W / 8));
    for (unsigned i = 0; i < 8; i++)
        if (i != RSP) reg_set(cpu, (uint8_t)(i * 8), W, v[i]);
    return OUT_OK;
}
INSTANTIATE(popa, NEXT, FORMS_LEGACY)

// --- flags ---

// In virtual-8086 mode PUSHF and POPF want IOPL 3; with CR4.VME the 16-bit forms see VIF in the place of IF.
static bool vm86_limited(const struct cpu *cpu) { return cpu_vm86(cpu) && cpu_iopl(cpu) < 3; }

static enum outcome pushf_image(struct cpu *cpu, unsigned w, uint64_t *image) {
    *image = cpu_rflags(cpu) & ~(FLAG_VM | FLAG_RF);
    if (!vm86_limited(cpu)) return OUT_OK;
    if (w != 16 || !(cpu->control.cr4 & CR4_VME)) return cpu_fault_gp0(cpu);
    *image = (*image & ~FLAG_IF) | FLAG_IOPL | (*image & FLAG_VIF ? FLAG_IF : 0);
    return OUT_OK;
}

BODY(pushf) {
    (void)F, (void)op;
    uint64_t image = 0;
    TRY(pushf_image(cpu, W, &image));
    return stack_push(cpu, F, W, image & MASK(W));
}
#define FORMS_FLAGS(X, n) WIDTHS_WORD(X, n, NONE)
INSTANTIATE(pushf, NEXT, FORMS_FLAGS)

// Which flags POPF may change. SDM Vol. 2B, POPF, table 4-16.
static uint64_t popf_mask(const struct cpu *cpu, unsigned w) {
    uint64_t mask = FLAGS_DEFINED & ~(FLAG_VM | FLAG_RF | FLAG_VIF | FLAG_VIP);
    if (w == 16) mask &= UINT16_MAX;
    if (cpu_real(cpu)) return mask;
    if (cpu_vm86(cpu) || cpu_cpl(cpu) > 0) mask &= ~FLAG_IOPL;
    if (cpu_cpl(cpu) > cpu_iopl(cpu)) mask &= ~FLAG_IF;
    return mask;
}

// Virtual-8086 mode with IOPL below 3 and CR4.VME: the image's IF goes to VIF.
static enum outcome popf_virtual(struct cpu *cpu, uint64_t *image, uint64_t *mask) {
    if (!(cpu->control.cr4 & CR4_VME)) return cpu_fault_gp0(cpu);
    if (*image & FLAG_TF || (*image & FLAG_IF && cpu->rflags & FLAG_VIP)) return cpu_fault_gp0(cpu);
    *mask = (*mask & ~(FLAG_IF | FLAG_IOPL)) | FLAG_VIF;
    if (*image & FLAG_IF) *image |= FLAG_VIF;
    return OUT_OK;
}

static enum outcome popf_set(struct cpu *cpu, unsigned w, uint64_t image) {
    uint64_t mask = popf_mask(cpu, w), old = cpu_rflags(cpu);
    if (w == 16) image &= UINT16_MAX;
    if (vm86_limited(cpu)) {
        if (w != 16) return cpu_fault_gp0(cpu);
        TRY(popf_virtual(cpu, &image, &mask));
    }
    cpu_set_rflags(cpu, ((old & ~mask) | (image & mask)) & ~FLAG_RF);
    if ((old ^ cpu->rflags) & FLAG_AC) cpu_update_mode(cpu);
    cpu_look(cpu);
    return OUT_OK;
}

BODY(popf) {
    (void)F, (void)op;
    uint64_t image = 0;
    TRY(stack_top(cpu, F, W, &image));
    TRY(popf_set(cpu, W, image));
    stack_drop(cpu, W);
    return OUT_OK;
}
INSTANTIATE(popf, END, FORMS_FLAGS)

// --- frames ---

// The enclosing frames' pointers, copied from below BP to below the pushed BP. `sp` and `bp` are the pointers' offsets
// from the present ones.
static enum outcome enter_copy(struct cpu *cpu, unsigned w, unsigned level, uint64_t frame) {
    uint64_t size = w / 8;
    for (unsigned i = 1; i < level; i++) {
        uint64_t linear = 0, v = 0, at = (cpu->gpr[RBP] - i * size) & stack_mask(cpu);
        TRY(segment_linear(cpu, SS, at, w / 8, false, &linear));
        TRY(load(cpu, linear, w, &v));
        TRY(stack_store(cpu, w, 0 - (i + 1) * size, v));
    }
    return level ? stack_store(cpu, w, 0 - (level + 1) * size, frame) : OUT_OK;
}

// The frame's pointer is the stack pointer as wide as the operands, so that on a 16-bit stack 32-bit ones give EBP the
// upper half of ESP. ENTER checks that the whole frame can be written. It cannot be begun again (T_ALONE): what it
// copies may be where it writes.
static enum outcome enter(struct cpu *cpu, unsigned w, unsigned bytes, unsigned level) {
    uint64_t size = w / 8, mask = stack_mask(cpu), linear = 0;
    uint64_t frame = (cpu->gpr[RSP] & ~mask) | ((cpu->gpr[RSP] - size) & mask);
    uint64_t below = size * (level ? level + 1 : 1) + bytes;
    TRY(stack_store(cpu, w, 0 - size, cpu->gpr[RBP]));
    TRY(enter_copy(cpu, w, level, frame));
    TRY(segment_linear(cpu, SS, (cpu->gpr[RSP] - below) & mask, w / 8, true, &linear));
    TRY(store_probe(cpu, linear, 1));
    reg_set(cpu, RBP * 8, w, frame);
    stack_pointer_add(cpu, 0 - below);
    return OUT_OK;
}

BODY(enter) {
    (void)F;
    return enter(cpu, W, (uint16_t)op->imm, (unsigned)op->disp & 31);
}
#define FORMS_ENTER(X, n) WIDTHS_WORD(X, n, I)
INSTANTIATE(enter, NEXT, FORMS_ENTER)

// SP = BP, then POP BP.
BODY(leave) {
    (void)F, (void)op;
    uint64_t v = 0, before = cpu->gpr[RSP];
    stack_pointer_set(cpu, cpu->gpr[RBP]);
    enum outcome outcome = stack_top(cpu, F, W, &v);
    if (unlikely(outcome != OUT_OK)) {
        cpu->gpr[RSP] = before;
        return outcome;
    }
    stack_drop(cpu, W);
    reg_set(cpu, RBP * 8, W, v);
    return OUT_OK;
}
INSTANTIATE(leave, FAST, FORMS_FLAGS)
