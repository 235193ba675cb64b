// The virtual-APIC page and the virtualization of its registers, within the room. SDM Vol. 3C, 29.1.
#ifndef VMX_VAPIC_H
#define VMX_VAPIC_H
#include "vmx/apic/virtual_apic.h"

enum register_offset {
    OFFSET_ID = 0x020,
    OFFSET_VERSION = 0x030,
    OFFSET_TPR = 0x080,
    OFFSET_PPR = 0x0a0,
    OFFSET_EOI = 0x0b0,
    OFFSET_LDR = 0x0d0,
    OFFSET_DFR = 0x0e0,
    OFFSET_SVR = 0x0f0,
    OFFSET_ISR = 0x100,
    OFFSET_IRR = 0x200,
    OFFSET_ESR = 0x280,
    OFFSET_ICR = 0x300,
    OFFSET_ICR_HIGH = 0x310,
    OFFSET_LVT_TIMER = 0x320,
    OFFSET_INITIAL_COUNT = 0x380,
    OFFSET_DIVIDE = 0x3e0,
    OFFSET_SELF_IPI = 0x3f0,
    OFFSET_END = 0x400,
};
enum { VECTORS = 256 };

// --- vmx/apic/page.c: the page, by offset; VISR and VIRR, by vector; the guest interrupt status, 24.4.2 ---
uint32_t vapic_get(struct cpu *cpu, unsigned offset);
void vapic_set(struct cpu *cpu, unsigned offset, uint32_t value);
void vapic_vector_put(struct cpu *cpu, unsigned table, unsigned vector, bool on);
unsigned vapic_vector_highest(struct cpu *cpu, unsigned table);
ALWAYS_INLINE uint8_t vapic_rvi(const struct vmx *vmx) { return (uint8_t)vmcs_get(vmx->vmcs, GUEST_INTERRUPT_STATUS); }
ALWAYS_INLINE uint8_t vapic_svi(const struct vmx *vmx) {
    return (uint8_t)(vmcs_get(vmx->vmcs, GUEST_INTERRUPT_STATUS) >> 8);
}
ALWAYS_INLINE void vapic_set_status(struct vmx *vmx, unsigned requesting, unsigned servicing) {
    vmcs_set(vmx, GUEST_INTERRUPT_STATUS, requesting | servicing << 8);
}
ALWAYS_INLINE bool vapic_delivers(const struct vmx *vmx) { return vmcs_on(vmx->vmcs, PROC2, VIRTUAL_INTERRUPTS); }

// --- vmx/apic/virtualization.c: 29.1.2 to 29.1.5, 29.2.1 ---
void vapic_ppr(struct cpu *cpu);
void vapic_evaluate(struct cpu *cpu); // pending virtual interrupts
void vapic_tpr(struct cpu *cpu);
void vapic_eoi(struct cpu *cpu);
void vapic_self_ipi(struct cpu *cpu, unsigned vector);
bool vapic_below_threshold(struct cpu *cpu);
void vapic_exit_after(struct cpu *cpu, enum exit_reason reason,
                      uint64_t qualification); // trap-like, at the next boundary

#endif
