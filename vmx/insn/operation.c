// Entering and leaving VMX operation, and the calls: VMXON, VMXOFF, VMCALL, VMFUNC. SDM Vol. 3C, 30.3.
// NOT IMPLEMENTED: A20M mode, SMX operation, dual-monitor treatment of SMM.
#include "vmx/ept/ept.h"
#include "cpu/watch/observe.h"
#include "vmx/insn/instruction.h"
#include "cpu/memory/tlb.h"

#define FEATURE_CONTROL_ENABLED (BIT(0) | BIT(2)) // lock, VMX outside SMX operation

bool vmx_mode_allows(const struct cpu *cpu) { return cpu_protected(cpu) && (!cpu_long(cpu) || cpu_64bit(cpu)); }

enum outcome vmx_permit(struct cpu *cpu, const struct op *op, enum exit_reason reason, uint32_t information) {
    struct vmx *vmx = vmx_of(cpu);
    if (vmx->vmxon_pointer == VMCS_NONE || !vmx_mode_allows(cpu)) return cpu_fault_ud(cpu);
    if (vmx->non_root) {
        exit_begin(cpu, op, reason);
        vmx->exit.qualification = information ? information_displacement(cpu, op) : 0;
        vmx->exit.instruction_information = information;
        return OUT_VMEXIT;
    }
    return cpu_cpl(cpu) ? cpu_fault_gp0(cpu) : OUT_OK;
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
    const struct vmx_capability *c = &vmx->capability;
    uint64_t linear = 0, pointer = 0;
    if (cpu_cpl(cpu) || ~cpu->control.cr0 & c->cr0_fixed0 || ~cpu->control.cr4 & c->cr4_fixed0)
        return cpu_fault_gp0(cpu);
    if ((cpu->msr.feature_control & FEATURE_CONTROL_ENABLED) != FEATURE_CONTROL_ENABLED) return cpu_fault_gp0(cpu);
    TRY(op_linear(cpu, op, 8, false, &linear));
    TRY(load(cpu, linear, 64, &pointer));
    OBSERVE_TELL(cpu, op, VMX_INSTRUCTION, .number = EXIT_VMXON, .physical = pointer);
    if (!physical_address_valid(vmx, pointer)) return vmx_fail_invalid(cpu);
    if (physical_load(cpu, pointer, 32) != VMCS_REVISION) return vmx_fail_invalid(cpu);
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
    struct vmx *vmx = vmx_of(cpu);
    if (!vmx_mode_allows(cpu) || !(cpu->control.cr4 & CR4_VMXE)) return cpu_fault_ud(cpu);
    if (vmx->vmxon_pointer == VMCS_NONE) return enter_operation(cpu, op);
    TRY(vmx_permit(cpu, op, EXIT_VMXON, information_memory(cpu, op)));
    return vmx_fail(cpu, ERROR_VMXON_IN_ROOT);
}

BODY(vmxoff) {
    BODY_UNUSED;
    TRY(vmx_permit(cpu, op, EXIT_VMXOFF, 0));
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
    const struct vmx *vmx = vmx_of(cpu);
    if (vmx->vmxon_pointer == VMCS_NONE) return cpu_fault_ud(cpu);
    if (vmx->non_root) return exit_for(cpu, op, EXIT_VMCALL, 0);
    TRY(vmx_permit(cpu, op, EXIT_VMCALL, 0));
    return vmx_fail(cpu, ERROR_VMCALL_IN_ROOT);
}

// 25.5.6.3: another EPTP from the list; false: it causes a VM exit.
static bool switch_eptp(struct cpu *cpu, uint32_t entry) {
    uint64_t eptp;
    if (!ept_list_entry(cpu, entry, &eptp) || !check_eptp(vmx_of(cpu), eptp)) return false;
    ept_switch(cpu, eptp, entry);
    return true;
}

// 25.5.6.2. At every privilege level.
BODY(vmfunc) {
    BODY_UNUSED;
    enum { FUNCTIONS = 64 };
    const struct vmx *vmx = vmx_of(cpu);
    uint32_t function = (uint32_t)cpu->gpr[RAX];
    if (!vmx->non_root || !vmcs_on(vmx->vmcs, PROC2, ENABLE_VM_FUNCTIONS)) return cpu_fault_ud(cpu);
    if (function >= FUNCTIONS) return cpu_fault_ud(cpu);
    if (!(vmcs_get(vmx->vmcs, VM_FUNCTION_CONTROLS) >> function & 1)) return exit_for(cpu, op, EXIT_VMFUNC, 0);
    return switch_eptp(cpu, (uint32_t)cpu->gpr[RCX]) ? OUT_OK : exit_for(cpu, op, EXIT_VMFUNC, 0);
}

BODY(vmlaunch) {
    BODY_UNUSED;
    return vmx_enter(cpu, op, true);
}

BODY(vmresume) {
    BODY_UNUSED;
    return vmx_enter(cpu, op, false);
}

#define FORMS_OPERAND_64(X, n) X(n, M, 64)
INSTANTIATE(vmxon, END, FORMS_OPERAND_64)
INSTANTIATE(vmxoff, END, FORMS_ONE_NONE)
INSTANTIATE(vmcall, END, FORMS_ONE_NONE)
INSTANTIATE(vmfunc, END, FORMS_ONE_NONE)
INSTANTIATE(vmlaunch, END, FORMS_ONE_NONE)
INSTANTIATE(vmresume, END, FORMS_ONE_NONE)
