// Virtual interrupts: what VM entry finds pending, and their delivery. SDM Vol. 3C, 26.3.2.5, 26.7.7, 29.2.2.
#include "vmx/apic/vapic.h"
#include "cpu/event/event.h"

void virtual_apic_enter(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->apic_write = vmx->trap_exit = vmx->virtual_interrupt = 0;
    if (vapic_delivers(vmx)) {
        vapic_ppr(cpu);
        vapic_evaluate(cpu);
    } else if (vmcs_on(vmx->vmcs, PROC, TPR_SHADOW) && vmcs_on(vmx->vmcs, PROC2, VIRTUALIZE_APIC_ACCESSES) &&
               vapic_below_threshold(cpu)) {
        vapic_exit_after(cpu, EXIT_TPR_BELOW_THRESHOLD, 0);
    }
}

enum outcome virtual_apic_deliver(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    unsigned vector = vapic_rvi(vmx);
    vmx->virtual_interrupt = 0;
    vapic_vector_put(cpu, OFFSET_ISR, vector, true);
    vapic_set(cpu, OFFSET_PPR, vector & 0xf0);
    vapic_vector_put(cpu, OFFSET_IRR, vector, false);
    vapic_set_status(vmx, vapic_vector_highest(cpu, OFFSET_IRR), vector);
    struct event event = {.vector = (uint8_t)vector, .type = EVENT_EXTERNAL};
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    return event_deliver(cpu, &event);
}
