// Entering and leaving VMX operation, and the calls: VMXON, VMXOFF, VMCALL, VMFUNC. SDM Vol. 3C, 30.3.
// NOT IMPLEMENTED: A20M mode, SMX operation, dual-monitor treatment of SMM.
#include "vmx/ept/ept.h"
#include "cpu/watch/observe.h"
#include "vmx/entry/entry.h"
#include "vmx/exit/exit.h"
#include "vmx/history/history.h"
#include "vmx/insn/refusal_words.h"
#include "cpu/memory/tlb.h"

bool vmx_mode_allows(const struct cpu *cpu) { return cpu_protected(cpu) && (!cpu_long(cpu) || cpu_64bit(cpu)); }

// Asks the rows: one of them refuses.
__attribute__((noinline, cold)) static enum outcome refused(struct cpu *cpu, const struct op *op) {
    REFUSE_IF(ANY, 0, 0, NULL);
    REFUSE_IF(PRIVILEGE, 0, 0, NULL);
    return OUT_OK;
}

// The rows are asked only where one of them holds: every VMX instruction comes here.
enum outcome vmx_permit(struct cpu *cpu, const struct op *op, enum intercept what, union intercept_operand operand) {
    if (unlikely(vmx_of(cpu)->vmxon_pointer == VMCS_NONE || !vmx_mode_allows(cpu))) return refused(cpu, op);
    TRY(intercept(cpu, op, what, operand));
    return unlikely(cpu_cpl(cpu)) ? refused(cpu, op) : OUT_OK;
}

enum outcome vmx_succeed(struct cpu *cpu) {
    flags_set(&cpu->flags, 0);
    return OUT_OK;
}

enum outcome vmx_fail_invalid(struct cpu *cpu) {
    flags_set(&cpu->flags, FLAG_CF);
    return OUT_OK;
}

enum outcome vmx_fail(struct cpu *cpu, enum vm_instruction_error number) {
    struct vmx *vmx = vmx_of(cpu);
    if (!vmx->vmcs) return vmx_fail_invalid(cpu);
    vmcs_set(vmx, INSTRUCTION_ERROR, number);
    flags_set(&cpu->flags, FLAG_ZF);
    return OUT_OK;
}

// Outside VMX operation; the values of CR0 and CR4 must be supported in it.
static enum outcome enter_operation(struct cpu *cpu, const struct op *op) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t linear = 0, pointer = 0;
    TRY(op_linear(cpu, op, 8, false, &linear));
    TRY(load(cpu, linear, 64, &pointer));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMXON, .physical = pointer);
    REFUSE_IF(VMXON_POINTER, pointer, 0, NULL);
    vmx->vmxon_pointer = pointer;
    vmx->operations++;
    vmx->current = VMCS_NONE;
    vmx->vmcs = NULL;
    cpu_monitor_clear(cpu);
    establish_root(cpu);
    return vmx_succeed(cpu);
}

BODY(vmxon) {
    BODY_UNUSED;
    if (vmx_of(cpu)->vmxon_pointer == VMCS_NONE) {
        REFUSE_IF(VMXON, 0, 0, NULL);
        return enter_operation(cpu, op);
    }
    TRY(vmx_permit(cpu, op, ICEPT_VMXON, NO_OPERAND));
    REFUSE_IF(VMXON_AGAIN, 0, 0, NULL);
    return OUT_OK;
}

BODY(vmxoff) {
    BODY_UNUSED;
    TRY(vmx_permit(cpu, op, ICEPT_VMXOFF, NO_OPERAND));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMXOFF);
    region_write_back_all(cpu);
    struct vmx *vmx = vmx_of(cpu);
    vmx->vmxon_pointer = vmx->current = VMCS_NONE;
    cpu_monitor_clear(cpu);
    establish_root(cpu);
    init_unblock(cpu);
    return vmx_succeed(cpu);
}

// VMCALL exits from every mode and privilege level.
BODY(vmcall) {
    BODY_UNUSED;
    if (vmx_of(cpu)->vmxon_pointer != VMCS_NONE) TRY(intercept(cpu, op, ICEPT_VMCALL, NO_OPERAND));
    TRY(vmx_permit(cpu, op, ICEPT_VMCALL, NO_OPERAND));
    REFUSE_IF(VMCALL, 0, 0, NULL);
    return OUT_OK;
}

// 25.5.6.2. At every privilege level. One function is supported, EPTP switching.
BODY(vmfunc) {
    BODY_UNUSED;
    uint32_t function = (uint32_t)cpu->gpr[RAX], entry = (uint32_t)cpu->gpr[RCX];
    REFUSE_IF(VMFUNC, 0, 0, NULL);
    TRY(intercept(cpu, op, ICEPT_VMFUNC, OPERAND(.vmfunc = {function, entry})));
    uint64_t eptp = 0;
    if (ept_list_entry(cpu, entry, &eptp)) ept_switch(cpu, eptp, entry);
    return OUT_OK;
}

// The instruction fails: with a VM-instruction error, or VMfailInvalid.
static enum outcome failed(struct cpu *cpu, const struct op *op, unsigned error) {
    explain_failure(cpu, history_note_failure(cpu, op, error, 0));
    OBSERVE_TELL(cpu, op, FAILED_ENTRY, .number = error, .physical = vmx_of(cpu)->current);
    return error ? vmx_fail(cpu, (enum vm_instruction_error)error) : vmx_fail_invalid(cpu);
}

static enum outcome enter(struct cpu *cpu, const struct op *op, bool launch) {
    unsigned error = 0;
    TRY(vmx_permit(cpu, op, launch ? ICEPT_VMLAUNCH : ICEPT_VMRESUME, NO_OPERAND));
    int refused = entry_refused(cpu, op, launch);
    if (refused != ENTRY_ALLOWED) return failed(cpu, op, (unsigned)refused);
    enum outcome outcome = entry_carry_out(cpu, op, launch, &error);
    return error ? failed(cpu, op, error) : outcome;
}

BODY(vmlaunch) {
    BODY_UNUSED;
    return enter(cpu, op, true);
}

BODY(vmresume) {
    BODY_UNUSED;
    return enter(cpu, op, false);
}

#define FORMS_OPERAND_64(X, n) X(n, M, 64)
INSTANTIATE(vmxon, END, FORMS_OPERAND_64)
INSTANTIATE(vmxoff, END, FORMS_ONE_NONE)
INSTANTIATE(vmcall, END, FORMS_ONE_NONE)
INSTANTIATE(vmfunc, END, FORMS_ONE_NONE)
INSTANTIATE(vmlaunch, END, FORMS_ONE_NONE)
INSTANTIATE(vmresume, END, FORMS_ONE_NONE)
