// The virtual-APIC page. SDM Vol. 3C, 29.1, 29.1.1.
#include "vmx/apic/vapic.h"

uint32_t vapic_get(struct cpu *cpu, unsigned offset) {
    return (uint32_t)physical_load(cpu, vmcs_get(vmx_of(cpu)->vmcs, VIRTUAL_APIC_ADDRESS) + offset, 32);
}
void vapic_set(struct cpu *cpu, unsigned offset, uint32_t value) {
    physical_store(cpu, vmcs_get(vmx_of(cpu)->vmcs, VIRTUAL_APIC_ADDRESS) + offset, 32, value);
}

// VISR and VIRR: 32 vectors in every 16 bytes. 29.1.1
void vapic_vector_put(struct cpu *cpu, unsigned table, unsigned vector, bool on) {
    unsigned offset = table | vector / 32 * 16;
    uint32_t bit = 1u << vector % 32, old = vapic_get(cpu, offset);
    vapic_set(cpu, offset, on ? old | bit : old & ~bit);
}
unsigned vapic_vector_highest(struct cpu *cpu, unsigned table) {
    for (unsigned i = VECTORS / 32; i-- > 0;) {
        uint32_t bits = vapic_get(cpu, table | i * 16);
        if (bits) return i * 32 + 31 - (unsigned)__builtin_clz(bits);
    }
    return 0;
}
