// APIC-write emulation, and the trap-like VM exits of the virtual APIC. SDM Vol. 3C, 29.4.3.
#include "vmx/apic/vapic.h"
#include "vmx/ask/qualification.h"

// 29.4.3.2
static bool self_ipi(uint32_t icr) {
    const uint32_t reserved = (uint32_t)(BITS(31, 20) | BITS(17, 16) | BIT(13) | BIT(12));
    const uint32_t shorthand = (uint32_t)BITS(19, 18), self = 1u << 18, other = (uint32_t)(BIT(15) | BITS(10, 8));
    return !(icr & (reserved | other)) && (icr & shorthand) == self && icr & 0xf0;
}

static void write_emulation(struct cpu *cpu, unsigned offset) {
    const struct vmx *vmx = vmx_of(cpu);
    switch (offset) {
    case OFFSET_TPR:
        vapic_set(cpu, OFFSET_TPR, vapic_get(cpu, OFFSET_TPR) & 0xff);
        vapic_tpr(cpu);
        return;
    case OFFSET_EOI:
        if (!vapic_delivers(vmx)) break;
        vapic_set(cpu, OFFSET_EOI, 0);
        vapic_eoi(cpu);
        return;
    case OFFSET_ICR:
        if (!vapic_delivers(vmx) || !self_ipi(vapic_get(cpu, OFFSET_ICR))) break;
        vapic_self_ipi(cpu, vapic_get(cpu, OFFSET_ICR) & 0xff);
        return;
    case OFFSET_ICR_HIGH:
    case OFFSET_ICR_HIGH + 1:
    case OFFSET_ICR_HIGH + 2:
    case OFFSET_ICR_HIGH + 3: vapic_set(cpu, OFFSET_ICR_HIGH, vapic_get(cpu, OFFSET_ICR_HIGH) & 0xff000000u); return;
    default: break;
    }
    vapic_exit_after(cpu, EXIT_APIC_WRITE, part(APIC_WRITE, OFFSET, offset));
}

enum outcome virtual_apic_poll(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t write = vmx->apic_write;
    vmx->apic_write = 0;
    if (write) write_emulation(cpu, (unsigned)write & (PAGE_BYTES - 1));
    if (!vmx->trap_exit) return OUT_OK;
    // A VM entry to an inactive state that is not HLT keeps it for later. 26.7.7
    if (vmx->trap_exit == EXIT_TPR_BELOW_THRESHOLD && cpu->boundary.activity > ACTIVITY_HLT) return OUT_OK;
    enum exit_reason reason = (enum exit_reason)vmx->trap_exit;
    vmx->trap_exit = 0;
    return exit_at_boundary(cpu, reason, vmx->trap_qualification);
}
