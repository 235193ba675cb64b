// INVEPT and INVVPID. SDM Vol. 3C, 28.4.3.1, 30.3.
#include "vmx/ept/ept.h"
#include "cpu/watch/observe.h"
#include "vmx/ask/ask.h"
#include "vmx/insn/instruction.h"
#include "cpu/memory/tlb.h"

enum { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum { INVVPID_ADDRESS, INVVPID_SINGLE, INVVPID_ALL, INVVPID_RETAINING_GLOBALS };

struct descriptor {
    uint64_t low, high;
};

static enum outcome operand(struct cpu *cpu, const struct op *op, struct descriptor *d) {
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, sizeof *d, false, &linear));
    return load_bytes(cpu, linear, d, sizeof *d);
}

static union intercept_operand type_register(const struct op *op) { return OPERAND(.invalidate = {op->dst / 8u}); }

BODY(invept) {
    BODY_UNUSED;
    struct vmx *vmx = vmx_of(cpu);
    struct descriptor d = {0};
    TRY(vmx_permit(cpu, op, ICEPT_INVEPT, type_register(op)));
    uint64_t type = reg_get(cpu, op->dst, W);
    if (type != INVEPT_SINGLE && type != INVEPT_ALL) return vmx_fail(cpu, ERROR_INVEPT_INVVPID_OPERAND);
    TRY(operand(cpu, op, &d));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_INVEPT, .value = type, .physical = d.low);
    if (type == INVEPT_ALL) {
        ept_invalidate_all(vmx);
        tlb_flush_all_eptps(cpu);
        return vmx_succeed(cpu);
    }
    const struct ask ask = ask_about(cpu);
    if (!ask_eptp(&ask, d.low)) return vmx_fail(cpu, ERROR_INVEPT_INVVPID_OPERAND);
    ept_invalidate(vmx, d.low);
    tlb_flush_eptp(cpu, d.low & EPTP_ROOT);
    return vmx_succeed(cpu);
}

static bool canonical(const struct cpu *cpu, uint64_t address) {
    unsigned bits = cpu->wire.model->linear_bits;
    return (uint64_t)((int64_t)(address << (64 - bits)) >> (64 - bits)) == address;
}

BODY(invvpid) {
    BODY_UNUSED;
    struct descriptor d = {0};
    TRY(vmx_permit(cpu, op, ICEPT_INVVPID, type_register(op)));
    uint64_t type = reg_get(cpu, op->dst, W);
    if (type > INVVPID_RETAINING_GLOBALS) return vmx_fail(cpu, ERROR_INVEPT_INVVPID_OPERAND);
    TRY(operand(cpu, op, &d));
    uint16_t vpid = (uint16_t)d.low;
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_INVVPID, .value = type, .linear = d.high,
                 .information = d.low);
    if (d.low >> 16 || (type != INVVPID_ALL && !vpid)) return vmx_fail(cpu, ERROR_INVEPT_INVVPID_OPERAND);
    if (type == INVVPID_ADDRESS && !canonical(cpu, d.high)) return vmx_fail(cpu, ERROR_INVEPT_INVVPID_OPERAND);
    switch (type) {
    case INVVPID_ADDRESS: tlb_invalidate_address(cpu, vpid, 0, true, d.high); break;
    case INVVPID_SINGLE: tlb_flush_vpid(cpu, vpid, true); break;
    case INVVPID_ALL: tlb_flush_all_vpids(cpu); break;
    default: tlb_flush_vpid(cpu, vpid, false); break;
    }
    return vmx_succeed(cpu);
}

#define FORMS_DESCRIPTOR(X, n) WIDTHS_DWORD(X, n, RM)
INSTANTIATE(invept, END, FORMS_DESCRIPTOR)
INSTANTIATE(invvpid, END, FORMS_DESCRIPTOR)
