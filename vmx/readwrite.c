// VMREAD and VMWRITE. SDM Vol. 3C, 24.11.2, 30.3.
// NOT IMPLEMENTED: VMCS shadowing (in VMX non-root operation both always cause VM exits).
#include "vmx/instruction.h"

// Table 27-14: the memory operand or Reg1, and Reg2 with the encoding.
static uint32_t information(const struct cpu *cpu, const struct op *op, bool memory, uint8_t reg1, uint8_t reg2) {
    uint32_t operand = memory ? information_memory(cpu, op) : (uint32_t)(BIT(10) | (reg1 / 8u) << 3);
    return operand | (uint32_t)(reg2 / 8) << 28;
}

BODY(vmread) {
    const struct vmx *vmx = vmx_of(cpu);
    uint64_t encoding = reg_get(cpu, op->src, W);
    bool high;
    if (unlikely(vmx->non_root))
        return vmx_permit(cpu, op, EXIT_VMREAD, information(cpu, op, F == FORM_MR, op->dst, op->src));
    TRY(vmx_permit(cpu, op, EXIT_VMREAD, 0));
    if (!vmx->vmcs) return vmx_fail_invalid(cpu);
    int field = field_by_encoding(vmx, encoding, &high);
    if (field < 0) return vmx_fail(cpu, ERROR_UNSUPPORTED_COMPONENT);
    uint64_t value = vmx->vmcs->field[field];
    TRY(destination(cpu, op, F, W, (high ? value >> 32 : value) & MASK(W)));
    return vmx_succeed(cpu);
}

BODY(vmwrite) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t encoding = reg_get(cpu, op->dst, W), value = 0;
    bool high;
    if (unlikely(vmx->non_root))
        return vmx_permit(cpu, op, EXIT_VMWRITE, information(cpu, op, F == FORM_RM, op->src, op->dst));
    TRY(vmx_permit(cpu, op, EXIT_VMWRITE, 0));
    if (!vmx->vmcs) return vmx_fail_invalid(cpu);
    TRY(source(cpu, op, F, W, &value));
    int field = field_by_encoding(vmx, encoding, &high);
    if (field < 0) return vmx_fail(cpu, ERROR_UNSUPPORTED_COMPONENT);
    if (high) value = value << 32 | (uint32_t)vmx->vmcs->field[field];
    vmcs_put(vmx, (enum vmcs_field)field, value & field_mask((enum vmcs_field)field));
    return vmx_succeed(cpu);
}

#define FORMS_READ(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, MR)
#define FORMS_WRITE(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, RM)
INSTANTIATE(vmread, END, FORMS_READ)
INSTANTIATE(vmwrite, END, FORMS_WRITE)
