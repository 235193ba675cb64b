// Recording a VM exit, which is carried out later (vmx/exit/exit.c). SDM Vol. 3C, 27.2, 27.3.3.
#include "vmx/vmcs/vmcs.h"

void exit_begin(struct cpu *cpu, const struct op *op, enum exit_reason reason) {
    vmx_of(cpu)->exit = record_of(op, reason);
}

void exit_begin_access(struct cpu *cpu, enum exit_reason reason) {
    exit_begin(cpu, NULL, reason);
    vmx_of(cpu)->exit.resume_flag = cpu->attempt.delivering_valid ? RF_EVENT : RF_SET;
}

enum outcome exit_at_boundary(struct cpu *cpu, enum exit_reason reason, uint64_t qualification) {
    struct vmx *vmx = vmx_of(cpu);
    exit_begin(cpu, NULL, reason);
    vmx->exit.attempted = false;
    vmx->exit.resume_flag = RF_AS_IS;
    vmx->exit.qualification = qualification;
    return OUT_VMEXIT;
}
