// Control registers: MOV CR, CLTS, LMSW, SMSW. SDM Vol. 3A, 2.5 (the bits), 4.1 (modes of paging), 4.10.4.1 (TLB),
// 9.8.5 (entering and leaving IA-32e mode); Vol. 2B, MOV - Move to/from Control Registers.
#include "cpu/engine/body.h"
#include "cpu/event/descriptor.h"
#include "cpu/state/intercept.h"
#include "cpu/state/model.h"
#include "cpu/watch/observe.h"
#include "cpu/memory/paging.h"
#include "cpu/event/control.h"
#include "cpu/memory/mode.h"

// --- MOV CR ---

static bool cr_exists(unsigned number) {
    return number == 0 || number == 2 || number == 3 || number == 4 || number == 8;
}

// Undefined registers are #UD whatever the privilege.
static enum outcome cr_check(struct cpu *cpu, unsigned number) {
    if (!cr_exists(number)) return cpu_fault_ud(cpu);
    return cpu_cpl(cpu) ? cpu_fault_gp0(cpu) : OUT_OK;
}

static uint64_t cr8_read(struct cpu *cpu) {
    const struct platform *p = cpu->wire.platform;
    return p && p->cr8_read ? p->cr8_read(p->machine, cpu) : 0;
}
static enum outcome cr8_write(struct cpu *cpu, uint64_t value) {
    const struct platform *p = cpu->wire.platform;
    if (value & ~BITS(3, 0)) return cpu_fault_gp0(cpu);
    if (p && p->cr8_write) p->cr8_write(p->machine, cpu, value);
    return OUT_OK;
}

static uint64_t cr_read(struct cpu *cpu, unsigned number) {
    switch (number) {
    case 0: return cr0_visible(cpu);
    case 2: return cpu->control.cr2;
    case 3: return cpu->control.cr3;
    case 4: return cr4_visible(cpu);
    default: return cr8_read(cpu);
    }
}

// With a TPR shadow VT-x does the access itself and answers OUT_LEAVE.
static enum outcome cr8_virtual(struct cpu *cpu, const struct op *op, enum intercept what,
                                union intercept_operand operand) {
    enum outcome outcome = intercept(cpu, op, what, operand);
    if (outcome == OUT_LEAVE) cpu->rip = op_next_rip(cpu, op);
    return outcome;
}

BODY(mov_from_cr) {
    (void)F;
    unsigned number = op->src;
    TRY(cr_check(cpu, number));
    union intercept_operand operand = OPERAND(.cr = {(uint8_t)number, op->dst / 8u, 0});
    TRY(intercept(cpu, op, ICEPT_CR_READ, operand));
    if (number == 8) TRY(cr8_virtual(cpu, op, ICEPT_CR8_READ, operand));
    reg_set(cpu, op->dst, W, cr_read(cpu, number));
    return OUT_OK;
}

// CR8 is the local APIC's: asking for it is not looking on.
static uint64_t cr_peek(struct cpu *cpu, unsigned number) {
    const uint64_t *registers[] = {&cpu->control.cr0, NULL, &cpu->control.cr2, &cpu->control.cr3, &cpu->control.cr4};
    return number <= 4 && registers[number] ? *registers[number] : 0;
}

BODY(mov_to_cr) {
    (void)F;
    unsigned number = op->dst;
    uint64_t value = reg_get(cpu, op->src, W);
    TRY(cr_check(cpu, number));
    union intercept_operand operand = OPERAND(.cr = {(uint8_t)number, op->src / 8u, value});
    TRY(intercept(cpu, op, ICEPT_CR_WRITE, operand));
    if (number == 8) TRY(cr8_virtual(cpu, op, ICEPT_CR8_WRITE, operand));
    uint64_t old = observed(cpu, OBSERVE_CONTROL_REGISTER) ? cr_peek(cpu, number) : 0;
    switch (number) {
    case 0: TRY(cr0_write(cpu, value)); break;
    case 2: cpu->control.cr2 = value; break;
    case 3: TRY(cr3_write(cpu, value)); break;
    case 4: TRY(cr4_write(cpu, value)); break;
    default: TRY(cr8_write(cpu, value)); break;
    }
    OBSERVE_TELL(cpu, op, CONTROL_REGISTER, .number = number, .value = cr_peek(cpu, number), .old = old);
    return OUT_OK;
}

#define FORMS_CR(X, n) WIDTHS_DWORD(X, n, RR)
INSTANTIATE(mov_from_cr, END, FORMS_CR)
INSTANTIATE(mov_to_cr, END, FORMS_CR)

// --- the machine status word ---

BODY(clts) {
    BODY_UNUSED;
    TRY(intercept(cpu, op, ICEPT_CLTS, NO_OPERAND));
    uint64_t old = cpu->control.cr0;
    cpu->control.cr0 &= ~CR0_TS | cpu->intercepts.cr0_mask;
    cpu_update_mode(cpu);
    OBSERVE_TELL(cpu, op, CONTROL_REGISTER, .number = 0, .value = cpu->control.cr0, .old = old);
    return OUT_OK;
}
INSTANTIATE(clts, END, FORMS_ONE_NONE)

// LMSW cannot clear PE.
BODY(lmsw) {
    (void)W;
    const uint64_t bits = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    uint64_t value = 0, linear = 0;
    if (F == FORM_M) TRY(op_linear(cpu, op, 2, false, &linear));
    if (F == FORM_M)
        TRY(load(cpu, linear, 16, &value));
    else
        value = reg_get(cpu, op->dst, 16);
    TRY(intercept(cpu, op, ICEPT_LMSW, OPERAND(.lmsw = {(uint16_t)value, F == FORM_M, linear})));
    uint64_t old = cpu->control.cr0;
    TRY(cr0_write(cpu, (cpu->control.cr0 & (~bits | CR0_PE)) | (value & bits)));
    OBSERVE_TELL(cpu, op, CONTROL_REGISTER, .number = 0, .value = cpu->control.cr0, .old = old);
    return OUT_OK;
}
#define FORMS_WORD(X, n) X(n, R, 32) X(n, M, 32)
INSTANTIATE(lmsw, END, FORMS_WORD)

BODY(smsw) {
    if (cpu->control.cr4 & CR4_UMIP && cpu_cpl(cpu)) return cpu_fault_gp0(cpu);
    if (F == FORM_R) {
        reg_set(cpu, op->dst, W, cr0_visible(cpu));
        return OUT_OK;
    }
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, 2, true, &linear));
    return store(cpu, linear, 16, cr0_visible(cpu));
}
#define FORMS_SMSW(X, n) WIDTHS_WORD(X, n, R) X(n, M, 32)
INSTANTIATE(smsw, NEXT, FORMS_SMSW)
