// What the VMX instructions have in common: who may execute them, and how they report. SDM Vol. 3C, 30.2, 30.3.
#ifndef VMX_INSTRUCTION_H
#define VMX_INSTRUCTION_H
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"
#include "vmx/vmcs/vmcs.h"

// #UD in real-address, virtual-8086 and compatibility mode and outside VMX operation; a VM exit in VMX non-root
// operation; #GP(0) at CPL > 0. In this order.
enum outcome vmx_permit(struct cpu *cpu, const struct op *op, enum intercept what, union intercept_operand operand);
bool vmx_mode_allows(const struct cpu *cpu);

// How an instruction that does not fault ends: all of CF, PF, AF, ZF, SF, OF are written. Each returns OUT_OK.
enum outcome vmx_succeed(struct cpu *cpu);
enum outcome vmx_fail_invalid(struct cpu *cpu);
enum outcome vmx_fail(struct cpu *cpu, enum vm_instruction_error number);

#endif
