// The VMCS pointer: VMCLEAR, VMPTRLD, VMPTRST. SDM Vol. 3C, 30.3.
#include "cpu/watch/observe.h"
#include "vmx/insn/instruction.h"
#include "vmx/level/level.h"

static enum outcome operand(struct cpu *cpu, const struct op *op, uint64_t *value) {
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, 8, false, &linear));
    return load(cpu, linear, 64, value);
}

BODY(vmclear) {
    BODY_UNUSED;
    const struct vmx *vmx = vmx_of(cpu);
    uint64_t pointer = 0;
    TRY(vmx_permit(cpu, op, ICEPT_VMCLEAR, NO_OPERAND));
    TRY(operand(cpu, op, &pointer));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMCLEAR, .physical = pointer);
    if (!physical_address_valid(vmx, pointer)) return vmx_fail(cpu, ERROR_VMCLEAR_ADDRESS);
    if (pointer == vmx->vmxon_pointer) return vmx_fail(cpu, ERROR_VMCLEAR_VMXON_POINTER);
    region_vmclear(cpu, pointer);
    level_vmclear(cpu, pointer);
    return vmx_succeed(cpu);
}

// A shadow VMCS (bit 31 of its revision identifier) is accepted where "VMCS shadowing" is supported.
static bool revision_allowed(const struct vmx *vmx, uint64_t revision) {
    bool shadowing = vmx->capability.allowed1[GROUP_PROC2] >> PROC2_VMCS_SHADOWING & 1;
    return (revision & ~(shadowing ? BIT(31) : 0)) == VMCS_REVISION;
}

BODY(vmptrld) {
    BODY_UNUSED;
    const struct vmx *vmx = vmx_of(cpu);
    uint64_t pointer = 0;
    TRY(vmx_permit(cpu, op, ICEPT_VMPTRLD, NO_OPERAND));
    TRY(operand(cpu, op, &pointer));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMPTRLD, .physical = pointer);
    if (!physical_address_valid(vmx, pointer)) return vmx_fail(cpu, ERROR_VMPTRLD_ADDRESS);
    if (pointer == vmx->vmxon_pointer) return vmx_fail(cpu, ERROR_VMPTRLD_VMXON_POINTER);
    if (!revision_allowed(vmx, physical_load(cpu, pointer, 32))) return vmx_fail(cpu, ERROR_VMPTRLD_REVISION);
    region_make_current(cpu, pointer);
    return vmx_succeed(cpu);
}

BODY(vmptrst) {
    BODY_UNUSED;
    uint64_t linear = 0;
    TRY(vmx_permit(cpu, op, ICEPT_VMPTRST, NO_OPERAND));
    TRY(op_linear(cpu, op, 8, true, &linear));
    TRY(store(cpu, linear, 64, vmx_of(cpu)->current));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMPTRST, .physical = vmx_of(cpu)->current);
    return vmx_succeed(cpu);
}

#define FORMS_OPERAND_64(X, n) X(n, M, 64)
INSTANTIATE(vmclear, END, FORMS_OPERAND_64)
INSTANTIATE(vmptrld, END, FORMS_OPERAND_64)
INSTANTIATE(vmptrst, END, FORMS_OPERAND_64)
