// INVEPT and INVVPID. SDM Vol. 3C, 28.4.3.1, 30.3.
#include "vmx/ept/ept.h"
#include "cpu/watch/observe.h"
#include "vmx/ask/ask.h"
#include "vmx/insn/refusal_words.h"
#include "cpu/memory/tlb.h"

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
    REFUSE_IF(INVEPT, 0, type, NULL);
    TRY(operand(cpu, op, &d));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_INVEPT, .value = type, .physical = d.low);
    if (type == INVEPT_ALL) {
        ept_invalidate_all(vmx);
        tlb_flush_all_eptps(cpu);
        return vmx_succeed(cpu);
    }
    REFUSE_IF(INVEPT_EPTP, d.low, type, NULL);
    ept_invalidate(vmx, d.low);
    tlb_flush_eptp(cpu, d.low & EPTP_ROOT);
    return vmx_succeed(cpu);
}

BODY(invvpid) {
    BODY_UNUSED;
    struct descriptor d = {0};
    TRY(vmx_permit(cpu, op, ICEPT_INVVPID, type_register(op)));
    uint64_t type = reg_get(cpu, op->dst, W);
    REFUSE_IF(INVVPID, 0, type, NULL);
    TRY(operand(cpu, op, &d));
    uint16_t vpid = (uint16_t)d.low;
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_INVVPID, .value = type, .linear = d.high,
                 .information = d.low);
    REFUSE_IF(INVVPID_VPID, d.low, type, NULL);
    REFUSE_IF(INVVPID_ADDRESS, d.high, type, NULL);
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
