// What follows from a virtualized write: TPR, PPR, EOI and self-IPI virtualization, evaluation of pending virtual
// interrupts. SDM Vol. 3C, 29.1, 29.2.1.
#include "vmx/apic/vapic.h"
#include "vmx/ask/qualification.h"

void vapic_ppr(struct cpu *cpu) {
    uint32_t tpr = vapic_get(cpu, OFFSET_TPR), servicing = vapic_svi(vmx_of(cpu));
    vapic_set(cpu, OFFSET_PPR, (tpr & 0xf0) >= (servicing & 0xf0) ? tpr & 0xff : servicing & 0xf0);
}

void vapic_evaluate(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->virtual_interrupt = !vmcs_on(vmx->vmcs, PROC, INTERRUPT_WINDOW_EXITING) &&
                             (vapic_rvi(vmx) & 0xf0u) > (vapic_get(cpu, OFFSET_PPR) & 0xf0);
    if (vmx->virtual_interrupt) cpu_pend(cpu, PENDING_VMX, true);
}

void vapic_exit_after(struct cpu *cpu, enum exit_reason reason, uint64_t qualification) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->trap_exit = reason;
    vmx->trap_qualification = qualification;
    cpu_pend(cpu, PENDING_VMX, true);
}

bool vapic_below_threshold(struct cpu *cpu) {
    return (vapic_get(cpu, OFFSET_TPR) >> 4 & 15) < (vmcs_get(vmx_of(cpu)->vmcs, TPR_THRESHOLD) & 15);
}

void vapic_tpr(struct cpu *cpu) {
    if (vapic_delivers(vmx_of(cpu))) {
        vapic_ppr(cpu);
        vapic_evaluate(cpu);
    } else if (vapic_below_threshold(cpu)) {
        vapic_exit_after(cpu, EXIT_TPR_BELOW_THRESHOLD, 0);
    }
}

void vapic_eoi(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    unsigned vector = vapic_svi(vmx);
    vapic_vector_put(cpu, OFFSET_ISR, vector, false);
    vapic_set_status(vmx, vapic_rvi(vmx), vapic_vector_highest(cpu, OFFSET_ISR));
    vapic_ppr(cpu);
    if (vmx->vmcs->field[FIELD_EOI_EXIT_BITMAP0 + vector / 64] >> vector % 64 & 1)
        vapic_exit_after(cpu, EXIT_VIRTUALIZED_EOI, part(VIRTUALIZED_EOI, VECTOR, vector));
    else
        vapic_evaluate(cpu);
}

void vapic_self_ipi(struct cpu *cpu, unsigned vector) {
    struct vmx *vmx = vmx_of(cpu);
    vapic_vector_put(cpu, OFFSET_IRR, vector, true);
    vapic_set_status(vmx, vapic_rvi(vmx) > vector ? vapic_rvi(vmx) : vector, vapic_svi(vmx));
    vapic_evaluate(cpu);
}
