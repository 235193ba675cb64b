// The virtual APIC of a guest: reading it, and what of it waits. SDM Vol. 3C, chapter 29; 24.4.2, 24.6.8, 26.7.7.
#include "monitor/vtx/virtual_apic.h"
#include "cpu/memory/access.h"
#include "monitor/vmcs/vmcs.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>
#include <stdio.h>

enum { OFFSET_TPR = 0x80, OFFSET_PPR = 0xa0, OFFSET_ISR = 0x100, OFFSET_IRR = 0x200, OUTSTANDING_OFFSET = 32 };
enum { WORDS = 8, REGISTER_STRIDE = 16 };

int vectors_highest(const uint32_t bits[8]) {
    for (int v = 255; v >= 0; v--)
        if (bits[v / 32] >> v % 32 & 1) return v;
    return -1;
}

void vectors_print(struct monitor *monitor, const char *name, const uint32_t bits[8]) {
    print(monitor, "%-8s", name);
    for (unsigned v = 0; v < 256; v++)
        if (bits[v / 32] >> v % 32 & 1) print(monitor, " %02x", v);
    print(monitor, vectors_highest(bits) >= 0 ? "\n" : " none\n");
}

static void read_page(struct monitor *monitor, struct virtual_apic *v) {
    struct machine *m = monitor->look.machine;
    v->has_page =
        machine_read(m, v->page + OFFSET_TPR, &v->tpr, 4) && machine_read(m, v->page + OFFSET_PPR, &v->ppr, 4);
    for (unsigned i = 0; v->has_page && i < WORDS; i++) {
        (void)machine_read(m, v->page + OFFSET_ISR + REGISTER_STRIDE * i, &v->isr[i], 4);
        (void)machine_read(m, v->page + OFFSET_IRR + REGISTER_STRIDE * i, &v->irr[i], 4);
    }
}

static void read_descriptor(struct monitor *monitor, struct virtual_apic *v) {
    uint8_t outstanding = 0;
    v->has_descriptor = machine_read(monitor->look.machine, v->descriptor, v->pir, sizeof v->pir) &&
                        machine_read(monitor->look.machine, v->descriptor + OUTSTANDING_OFFSET, &outstanding, 1);
    v->outstanding = outstanding & 1;
}

void virtual_apic_read(struct monitor *monitor, uint64_t vmcs, struct virtual_apic *v) {
    const struct cpu *cpu = look_cpu(&monitor->look);
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
    if (APIC_CONTROL(v, proc, PROC, TPR_SHADOW)) read_page(monitor, v);
    if (APIC_POSTS(v)) read_descriptor(monitor, v);
}

// --- what waits ---

// Of the guest when it runs, or when it will run on.
static void at_guest(const struct monitor *monitor, const struct virtual_apic *v, struct blocks *b) {
    const struct cpu *cpu = look_cpu(&monitor->look);
    uint64_t rflags = cpu->rflags, blocking = (uint64_t)cpu_sti_shadow(cpu) | (uint64_t)cpu_mov_ss_shadow(cpu) << 1;
    bool runs = vmx_in_non_root(cpu) && vmx_current_vmcs(cpu) == v->vmcs;
    if (!runs) (void)vmx_vmcs_read(cpu, v->vmcs, FIELD_GUEST_RFLAGS, &rflags);
    if (!runs) (void)vmx_vmcs_read(cpu, v->vmcs, FIELD_GUEST_INTERRUPTIBILITY, &blocking);
    if (!(rflags & FLAG_IF)) because(b, "RFLAGS.IF=0 in the guest (Vol. 3C, 29.2.2)");
    if (blocking & 1) because(b, "blocked by STI for one instruction");
    if (blocking & 2) because(b, "blocked by MOV SS for one instruction");
    if (!runs && !*b->text) because(b, "nothing but the VM entry with VMCS %" PRIx64, v->vmcs);
}

static bool requested(struct monitor *monitor, const struct virtual_apic *v) {
    struct blocks b = {""};
    char what[40];
    int highest = vectors_highest(v->irr);
    if (highest > v->rvi)
        print(monitor, "VIRR has vector 0x%x, but RVI is 0x%x, and only RVI counts: who sets VIRR sets RVI (29.2.1)\n",
              (unsigned)highest, v->rvi);
    if (v->rvi && !(v->irr[v->rvi / 32] >> v->rvi % 32 & 1))
        print(monitor, "RVI is 0x%x, which VIRR does not have: it would be delivered all the same\n", v->rvi);
    if (!v->rvi) return highest >= 0;
    if ((v->rvi & 0xf0u) <= (v->ppr & 0xf0))
        because(&b, "its class %u is not above that of VPPR 0x%x, from VTPR 0x%x and SVI 0x%x (Vol. 3C, 29.2.1)",
                v->rvi >> 4, (unsigned)v->ppr & 0xff, (unsigned)v->tpr & 0xff, v->svi);
    if (APIC_CONTROL(v, proc, PROC, INTERRUPT_WINDOW_EXITING))
        because(&b, "\"interrupt-window exiting\" is 1, which keeps virtual interrupts back (Vol. 3C, 29.2.1)");
    at_guest(monitor, v, &b);
    snprintf(what, sizeof what, "virtual vector 0x%x", v->rvi);
    waits_because(monitor, what, &b);
    return true;
}

static bool posted(struct monitor *monitor, const struct virtual_apic *v) {
    struct blocks b = {""};
    char what[40];
    uint64_t vector = 0;
    int highest = vectors_highest(v->pir);
    if (highest < 0) return false;
    (void)vmx_vmcs_read(look_cpu(&monitor->look), v->vmcs, FIELD_POSTED_VECTOR, &vector);
    if (v->outstanding)
        because(&b, "for the notification, vector 0x%x, or for a hypervisor that moves it to VIRR (Vol. 3C, 29.6)",
                (unsigned)vector & 0xff);
    else
        because(&b, "ON is 0 in the descriptor: nobody was told to notify (Vol. 3C, 29.6)");
    snprintf(what, sizeof what, "posted vector 0x%x", (unsigned)highest);
    waits_because(monitor, what, &b);
    return true;
}

static bool below_threshold(struct monitor *monitor, const struct virtual_apic *v) {
    unsigned class = v->tpr >> 4 & 15;
    if (class >= v->threshold) return false;
    print(monitor, "VTPR 0x%x is below the TPR threshold %u: a VM exit (TPR below threshold) is due (29.1.2, 26.7.7)\n",
          (unsigned)v->tpr & 0xff, v->threshold);
    return true;
}

bool virtual_apic_waits(struct monitor *monitor, const struct virtual_apic *v) {
    bool any = false;
    if (v->has_page && APIC_DELIVERS(v)) any = requested(monitor, v);
    if (v->has_page && !APIC_DELIVERS(v)) any = below_threshold(monitor, v);
    if (v->has_descriptor) any |= posted(monitor, v);
    return any;
}
