// VMREAD and VMWRITE. SDM Vol. 3C, 24.11.2, 30.3.
// In VMX non-root operation both access the shadow VMCS, or exit.
#include "cpu/watch/observe.h"
#include "vmx/history/history.h"
#include "vmx/insn/refusal_words.h"

// The VMCS that the instruction accesses, NULL for VMfailInvalid.
static struct vmcs *target(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    return unlikely(vmx->non_root) ? region_shadow(cpu) : vmx->vmcs;
}

static union intercept_operand operand_of(uint64_t encoding, bool memory, uint8_t reg1, uint8_t reg2) {
    return OPERAND(.vmcs = {encoding, memory, reg1 / 8u, reg2 / 8u});
}

BODY(vmread) {
    const struct vmx *vmx = vmx_of(cpu);
    uint64_t encoding = reg_get(cpu, op->src, W);
    bool high;
    TRY(vmx_permit(cpu, op, ICEPT_VMREAD, operand_of(encoding, F == FORM_MR, op->dst, op->src)));
    struct vmcs *vmcs = target(cpu);
    if (unlikely(!vmcs)) return refusal_carry_out(cpu, op, REFUSAL_access_no_vmcs, encoding, 0);
    int field = field_by_encoding(vmx, encoding, &high);
    if (unlikely(field < 0)) return refusal_carry_out(cpu, op, REFUSAL_access_field, encoding, 0);
    uint64_t value = vmcs->field[field];
    value = (high ? value >> 32 : value) & MASK(W);
    TRY(destination(cpu, op, F, W, value));
    OBSERVE_TELL(cpu, op, VMREAD, .number = (uint32_t)encoding, .value = value, .physical = vmcs->pointer);
    return vmx_succeed(cpu);
}

BODY(vmwrite) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t encoding = reg_get(cpu, op->dst, W), value = 0;
    bool high;
    TRY(vmx_permit(cpu, op, ICEPT_VMWRITE, operand_of(encoding, F == FORM_RM, op->src, op->dst)));
    struct vmcs *vmcs = target(cpu);
    if (unlikely(!vmcs)) return refusal_carry_out(cpu, op, REFUSAL_access_no_vmcs, encoding, 0);
    TRY(source(cpu, op, F, W, &value));
    int field = field_by_encoding(vmx, encoding, &high);
    if (unlikely(field < 0)) return refusal_carry_out(cpu, op, REFUSAL_access_field, encoding, 0);
    if (high) value = value << 32 | (uint32_t)vmcs->field[field];
    OBSERVE_TELL(cpu, op, VMWRITE, .number = (uint32_t)encoding, .value = value & field_mask((enum vmcs_field)field),
                 .old = vmcs->field[field], .physical = vmcs->pointer);
    value &= field_mask((enum vmcs_field)field);
    if (vmcs->field[field] != value) vmcs_wrote(vmx, vmcs, vmcs_part_of[field]);
    vmcs->field[field] = value;
    history_origin_vmwrite(cpu, op, vmcs->pointer, (unsigned)field);
    return vmx_succeed(cpu);
}

#define FORMS_READ(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, MR)
#define FORMS_WRITE(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, RM)
INSTANTIATE(vmread, END, FORMS_READ)
INSTANTIATE(vmwrite, END, FORMS_WRITE)
