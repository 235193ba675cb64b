// Debug registers: MOV DR. SDM Vol. 3B, 17.2; Vol. 2B, MOV - Move to/from Debug Registers.
// NOT IMPLEMENTED: restricted transactional memory (DR6.RTM and DR7.RTM keep their reset values).
#include "cpu/engine/body.h"
#include "cpu/watch/debug.h"
#include "cpu/state/intercept.h"
#include "cpu/memory/mode.h"

#define DR6_WRITABLE (BITS(3, 0) | BIT(13) | BIT(14) | BIT(15)) // B0-B3, BD, BS, BT
#define DR6_ONES (BITS(31, 16) | BITS(11, 4))
#define DR7_WRITABLE (BITS(9, 0) | DR7_GD | BITS(31, 16))
#define DR7_ONES BIT(10)

// DR4 and DR5 stand for DR6 and DR7 unless CR4.DE is set. A VM exit comes before the faults that CR4.DE and the
// privilege level cause: SDM Vol. 3C, 25.1.3. Where the manual is silent: general detection comes before the fault of
// the privilege level, as on processors since Skylake.
static enum outcome dr_check(struct cpu *cpu, const struct op *op, unsigned *number, bool from, unsigned gpr) {
    if (*number >= 8) return cpu_fault_ud(cpu);
    TRY(intercept(cpu, op, ICEPT_DR, OPERAND(.dr = {(uint8_t)*number, (uint8_t)gpr, from})));
    if ((*number == 4 || *number == 5) && cpu->control.cr4 & CR4_DE) return cpu_fault_ud(cpu);
    if (*number == 4 || *number == 5) *number += 2;
    if (cpu->control.dr[7] & DR7_GD) {
        cpu->attempt.fault = (struct event){.vector = VECTOR_DB, .type = EVENT_HARDWARE_EXCEPTION, .payload = DEBUG_BD};
        return OUT_FAULT;
    }
    return cpu_cpl(cpu) ? cpu_fault_gp0(cpu) : OUT_OK;
}

BODY(mov_from_dr) {
    (void)F;
    unsigned number = op->src;
    TRY(dr_check(cpu, op, &number, true, op->dst / 8u));
    reg_set(cpu, op->dst, W, cpu->control.dr[number]);
    return OUT_OK;
}

BODY(mov_to_dr) {
    (void)F;
    unsigned number = op->dst;
    uint64_t value = reg_get(cpu, op->src, W);
    TRY(dr_check(cpu, op, &number, false, op->src / 8u));
    if (number >= 6 && value >> 32) return cpu_fault_gp0(cpu);
    if (number == 6) value = (value & DR6_WRITABLE) | DR6_ONES;
    if (number == 7) value = (value & DR7_WRITABLE) | DR7_ONES;
    cpu->control.dr[number] = value;
    cpu_update_mode(cpu);
    return OUT_OK;
}

#define FORMS_DR(X, n) WIDTHS_DWORD(X, n, RR)
INSTANTIATE(mov_from_dr, END, FORMS_DR)
INSTANTIATE(mov_to_dr, END, FORMS_DR)
