// The virtual APIC of a guest, read; see virtual_apic.h.
#include "monitor/causes/virtual_apic.h"
#include "vmx/level/view.h"

enum { OUTSTANDING_OFFSET = 32, WORDS = 8, REGISTER_STRIDE = 16 };

int vectors_highest(const uint32_t bits[8]) {
    for (int v = 255; v >= 0; v--)
        if (bits[v / 32] >> v % 32 & 1) return v;
    return -1;
}

static void read_page(const struct machine *m, struct virtual_apic *v) {
    v->has_page = machine_read(m, v->page + VIRTUAL_APIC_TPR, &v->tpr, 4) &&
                  machine_read(m, v->page + VIRTUAL_APIC_PPR, &v->ppr, 4);
    for (unsigned i = 0; v->has_page && i < WORDS; i++) {
        (void)machine_read(m, v->page + VIRTUAL_APIC_ISR + REGISTER_STRIDE * i, &v->isr[i], 4);
        (void)machine_read(m, v->page + VIRTUAL_APIC_IRR + REGISTER_STRIDE * i, &v->irr[i], 4);
    }
}

static void read_descriptor(const struct machine *m, struct virtual_apic *v) {
    uint8_t outstanding = 0;
    v->has_descriptor = machine_read(m, v->descriptor, v->pir, sizeof v->pir) &&
                        machine_read(m, v->descriptor + OUTSTANDING_OFFSET, &outstanding, 1);
    v->outstanding = outstanding & 1;
}

void virtual_apic_read(const struct machine *machine, unsigned processor, uint64_t vmcs, struct virtual_apic *v) {
    const struct cpu *cpu = machine_cpu(machine, processor);
    uint64_t status = 0, threshold = 0;
    *v = (struct virtual_apic){.vmcs = vmcs};
    (void)vmx_vmcs_read(cpu, vmcs, FIELD_PIN_CONTROLS, &v->pin);
    (void)vmx_vmcs_read(cpu, vmcs, FIELD_PROC_CONTROLS, &v->proc);
    if (APIC_CONTROL(v, proc, PROC, ACTIVATE_SECONDARY))
        (void)vmx_vmcs_read(cpu, vmcs, FIELD_PROC2_CONTROLS, &v->proc2);
    (void)vmx_vmcs_read(cpu, vmcs, FIELD_VIRTUAL_APIC_ADDRESS, &v->page);
    (void)vmx_vmcs_read(cpu, vmcs, FIELD_POSTED_DESCRIPTOR, &v->descriptor);
    (void)vmx_vmcs_read(cpu, vmcs, FIELD_GUEST_INTERRUPT_STATUS, &status);
    (void)vmx_vmcs_read(cpu, vmcs, FIELD_TPR_THRESHOLD, &threshold);
    v->rvi = (uint8_t)status;
    v->svi = (uint8_t)(status >> 8);
    v->threshold = threshold & 15;
    if (APIC_CONTROL(v, proc, PROC, TPR_SHADOW)) read_page(machine, v);
    if (APIC_POSTS(v)) read_descriptor(machine, v);
}
