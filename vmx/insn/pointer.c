// The VMCS pointer: VMCLEAR, VMPTRLD, VMPTRST. SDM Vol. 3C, 30.3.
#include "cpu/watch/observe.h"
#include "vmx/insn/refusal_words.h"
#include "vmx/history/history.h"
#include "vmx/level/level.h"

static enum outcome operand(struct cpu *cpu, const struct op *op, uint64_t *value) {
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, 8, false, &linear));
    return load(cpu, linear, 64, value);
}

BODY(vmclear) {
    BODY_UNUSED;
    uint64_t pointer = 0;
    TRY(vmx_permit(cpu, op, ICEPT_VMCLEAR, NO_OPERAND));
    TRY(operand(cpu, op, &pointer));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMCLEAR, .physical = pointer);
    REFUSE_IF(VMCLEAR, pointer, 0, NULL);
    region_vmclear(cpu, pointer);
    history_note_cleared(cpu, pointer);
    level_vmclear(cpu, pointer);
    return vmx_succeed(cpu);
}

BODY(vmptrld) {
    BODY_UNUSED;
    uint64_t pointer = 0;
    TRY(vmx_permit(cpu, op, ICEPT_VMPTRLD, NO_OPERAND));
    TRY(operand(cpu, op, &pointer));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMPTRLD, .physical = pointer);
    REFUSE_IF(VMPTRLD, pointer, 0, NULL);
    if (region_make_current(cpu, pointer)) history_note_loaded(cpu, pointer);
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
