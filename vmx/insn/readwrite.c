// VMREAD and VMWRITE. SDM Vol. 3C, 24.11.2, 30.3.
// In VMX non-root operation both access the shadow VMCS, or exit.
#include "cpu/watch/observe.h"
#include "vmx/insn/instruction.h"

// Table 27-14: the memory operand or Reg1, and Reg2 with the encoding.
static uint32_t information(const struct cpu *cpu, const struct op *op, bool memory, uint8_t reg1, uint8_t reg2) {
    uint32_t operand = memory ? information_memory(cpu, op) : (uint32_t)(BIT(10) | (reg1 / 8u) << 3);
    return operand | (uint32_t)(reg2 / 8) << 28;
}

// 24.6.15, 30.3: whether VMREAD or VMWRITE in VMX non-root operation exits rather than access the shadow VMCS.
static bool exits(struct cpu *cpu, uint64_t encoding, enum vmcs_field bitmap) {
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    if (!vmcs_on(vmcs, PROC2, VMCS_SHADOWING) || encoding >> 15) return true;
    return physical_load(cpu, vmcs->field[bitmap] + encoding / 8, 8) >> encoding % 8 & 1;
}

// The VMCS that the instruction accesses, NULL for VMfailInvalid.
static struct vmcs *target(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    return unlikely(vmx->non_root) ? region_shadow(cpu) : vmx->vmcs;
}

static enum outcome permit(struct cpu *cpu, const struct op *op, enum exit_reason reason, bool leaves, uint32_t info) {
    if (!vmx_of(cpu)->non_root || leaves) return vmx_permit(cpu, op, reason, info);
    if (!vmx_mode_allows(cpu)) return cpu_fault_ud(cpu);
    return cpu_cpl(cpu) ? cpu_fault_gp0(cpu) : OUT_OK;
}

BODY(vmread) {
    const struct vmx *vmx = vmx_of(cpu);
    uint64_t encoding = reg_get(cpu, op->src, W);
    bool high, leaves = vmx->non_root && exits(cpu, encoding, FIELD_VMREAD_BITMAP);
    TRY(permit(cpu, op, EXIT_VMREAD, leaves, leaves ? information(cpu, op, F == FORM_MR, op->dst, op->src) : 0));
    struct vmcs *vmcs = target(cpu);
    if (!vmcs) return vmx_fail_invalid(cpu);
    int field = field_by_encoding(vmx, encoding, &high);
    if (field < 0) return vmx_fail(cpu, ERROR_UNSUPPORTED_COMPONENT);
    uint64_t value = vmcs->field[field];
    value = (high ? value >> 32 : value) & MASK(W);
    TRY(destination(cpu, op, F, W, value));
    OBSERVE_TELL(cpu, op, VMREAD, .number = (uint32_t)encoding, .value = value, .physical = vmcs->pointer);
    return vmx_succeed(cpu);
}

BODY(vmwrite) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t encoding = reg_get(cpu, op->dst, W), value = 0;
    bool high, leaves = vmx->non_root && exits(cpu, encoding, FIELD_VMWRITE_BITMAP);
    TRY(permit(cpu, op, EXIT_VMWRITE, leaves, leaves ? information(cpu, op, F == FORM_RM, op->src, op->dst) : 0));
    struct vmcs *vmcs = target(cpu);
    if (!vmcs) return vmx_fail_invalid(cpu);
    TRY(source(cpu, op, F, W, &value));
    int field = field_by_encoding(vmx, encoding, &high);
    if (field < 0) return vmx_fail(cpu, ERROR_UNSUPPORTED_COMPONENT);
    if (high) value = value << 32 | (uint32_t)vmcs->field[field];
    OBSERVE_TELL(cpu, op, VMWRITE, .number = (uint32_t)encoding, .value = value & field_mask((enum vmcs_field)field),
                 .old = vmcs->field[field], .physical = vmcs->pointer);
    value &= field_mask((enum vmcs_field)field);
    if (vmcs->field[field] != value) vmcs_wrote(vmx, vmcs, vmcs_part_of[field]);
    vmcs->field[field] = value;
    return vmx_succeed(cpu);
}

#define FORMS_READ(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, MR)
#define FORMS_WRITE(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, RM)
INSTANTIATE(vmread, END, FORMS_READ)
INSTANTIATE(vmwrite, END, FORMS_WRITE)
