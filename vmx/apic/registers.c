// Accesses to the TPR through CR8 and to the registers of the virtual APIC through the x2APIC MSRs. SDM Vol. 3C, 29.3,
// 29.5.
#include "vmx/apic/vapic.h"

// --- CR8, 29.3 ---

enum outcome virtual_apic_cr8_read(struct cpu *cpu, unsigned gpr) {
    cpu->gpr[gpr] = vapic_get(cpu, OFFSET_TPR) >> 4 & 15;
    return OUT_LEAVE;
}

enum outcome virtual_apic_cr8_write(struct cpu *cpu, uint64_t value) {
    if (value & ~15ull) return cpu_fault_gp0(cpu);
    vapic_set(cpu, OFFSET_TPR, (uint32_t)value << 4);
    vapic_tpr(cpu);
    return OUT_LEAVE;
}

// --- MSRs, 29.5 ---

enum { X2APIC_FIRST = 0x800, X2APIC_LAST = 0x8ff, X2APIC_TPR = 0x808, X2APIC_EOI = 0x80b, X2APIC_SELF_IPI = 0x83f };
static bool x2apic(const struct vmx *vmx, uint64_t index) {
    return index >= X2APIC_FIRST && index <= X2APIC_LAST && vmcs_on(vmx->vmcs, PROC2, VIRTUALIZE_X2APIC);
}
static unsigned x2apic_offset(uint64_t index) { return (unsigned)(index & 0xff) << 4; }

enum outcome virtual_apic_rdmsr(struct cpu *cpu, uint64_t index) {
    const struct vmx *vmx = vmx_of(cpu);
    if (!x2apic(vmx, index)) return OUT_OK;
    if (!vmcs_on(vmx->vmcs, PROC2, APIC_REGISTERS) && index != X2APIC_TPR) return OUT_OK;
    cpu->gpr[RAX] = vapic_get(cpu, x2apic_offset(index));
    cpu->gpr[RDX] = vapic_get(cpu, x2apic_offset(index) + 4);
    return OUT_LEAVE;
}

enum outcome virtual_apic_wrmsr(struct cpu *cpu, uint64_t index, uint64_t value) {
    const struct vmx *vmx = vmx_of(cpu);
    bool special = index == X2APIC_TPR || (vapic_delivers(vmx) && (index == X2APIC_EOI || index == X2APIC_SELF_IPI));
    if (!special || !x2apic(vmx, index)) return OUT_OK;
    if (value & (index == X2APIC_EOI ? ~0ull : ~0xffull)) return cpu_fault_gp0(cpu);
    vapic_set(cpu, x2apic_offset(index), (uint32_t)value);
    vapic_set(cpu, x2apic_offset(index) + 4, 0);
    switch (index) {
    case X2APIC_TPR: vapic_tpr(cpu); break;
    case X2APIC_EOI: vapic_eoi(cpu); break;
    default:
        if (value & 0xf0)
            vapic_self_ipi(cpu, (unsigned)value);
        else
            vapic_exit_after(cpu, EXIT_APIC_WRITE, OFFSET_SELF_IPI);
    }
    return OUT_LEAVE;
}
