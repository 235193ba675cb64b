// What caused a VM exit, written down where it happens; vmx/exit/exit.c carries it out. SDM Vol. 3C, 27.2.
#include "vmx/vmcs/vmcs.h"

void exit_begin(struct cpu *cpu, const struct op *op, enum exit_reason reason) {
    vmx_of(cpu)->exit = (struct exit_record){
        .reason = reason, .instruction_length = op ? op->length : 0, .attempted = true, .resume_flag = RF_CLEAR};
}

enum outcome exit_for(struct cpu *cpu, const struct op *op, enum exit_reason reason, uint64_t qualification) {
    exit_begin(cpu, op, reason);
    vmx_of(cpu)->exit.qualification = qualification;
    return OUT_VMEXIT;
}

void exit_begin_access(struct cpu *cpu, const struct op *op, enum exit_reason reason) {
    exit_begin(cpu, op, reason);
    vmx_of(cpu)->exit.resume_flag = cpu->attempt.delivering_valid ? RF_EVENT : RF_SET;
}
