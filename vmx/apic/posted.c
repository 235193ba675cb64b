// Posted interrupts. SDM Vol. 3C, 29.6.
#include "vmx/apic/vapic.h"

enum { NO_VECTOR = -1, X2APIC_EOI = 0x80b };

// Zero to the EOI register of the local APIC, in the mode that it is in.
static void end_of_interrupt(struct cpu *cpu) {
    enum { APIC_BASE = 0x1b };
    const struct platform *p = cpu->wire.platform;
    uint64_t base = 0;
    if (!p->msr_read || !p->msr_read(p->machine, cpu, APIC_BASE, &base)) return;
    if (base & BIT(10))
        p->msr_write(p->machine, cpu, X2APIC_EOI, 0);
    else
        p->mmio_write(p->machine, cpu, (base & BITS(51, 12)) + OFFSET_EOI, 4, 0);
}

void virtual_apic_posted(struct cpu *cpu) {
    enum { OUTSTANDING_OFFSET = 32 };
    struct vmx *vmx = vmx_of(cpu);
    uint64_t descriptor = vmcs_get(vmx->vmcs, POSTED_DESCRIPTOR);
    uint64_t control = physical_load(cpu, descriptor + OUTSTANDING_OFFSET, 64);
    physical_store(cpu, descriptor + OUTSTANDING_OFFSET, 64, control & ~1ull);
    end_of_interrupt(cpu);
    int highest = NO_VECTOR;
    for (unsigned i = 0; i < VECTORS / 32; i++) {
        uint32_t requests = (uint32_t)physical_load(cpu, descriptor + 4 * i, 32);
        if (!requests) continue;
        physical_store(cpu, descriptor + 4 * i, 32, 0);
        vapic_set(cpu, OFFSET_IRR | i * 16, vapic_get(cpu, OFFSET_IRR | i * 16) | requests);
        highest = (int)(i * 32 + 31 - (unsigned)__builtin_clz(requests));
    }
    if (cpu->boundary.mwait) cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu_monitor_clear(cpu);
    if (highest > vapic_rvi(vmx)) vapic_set_status(vmx, (unsigned)highest, vapic_svi(vmx));
    vapic_evaluate(cpu);
}
