// why: what waits to be delivered to the processor, and what keeps it waiting. SDM Vol. 3A, 6.8, 10.8.3; Vol. 3C, 25.2,
// 25.4.1, 24.4.2.
#include "devices/irq/lapic.h"
#include "devices/irq/pic.h"
#include "monitor/vtx/virtual_apic.h"
#include "monitor/vtx/why.h"
#include "cpu/memory/access.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void because(struct blocks *b, const char *format, ...) {
    size_t used = strlen(b->text);
    va_list arguments;
    if (used) used += (size_t)snprintf(b->text + used, sizeof b->text - used, "; ");
    va_start(arguments, format);
    if (used < sizeof b->text) vsnprintf(b->text + used, sizeof b->text - used, format, arguments);
    va_end(arguments);
}

static uint64_t control(const struct cpu *cpu, enum vmcs_field field) {
    uint64_t value = 0;
    if (vmx_in_non_root(cpu)) (void)vmx_vmcs_read(cpu, vmx_current_vmcs(cpu), field, &value);
    return value;
}

// Of every maskable interrupt, at the processor.
static void at_processor(const struct cpu *cpu, struct blocks *b) {
    bool exits = control(cpu, FIELD_PIN_CONTROLS) >> PIN_EXTERNAL_INTERRUPT_EXITING & 1;
    if (!exits && !(cpu->rflags & FLAG_IF)) because(b, "RFLAGS.IF=0 (Vol. 3A, 6.8.1)");
    if (cpu_sti_shadow(cpu)) because(b, "blocked by STI for one instruction (Vol. 3A, 6.8.1)");
    if (cpu_mov_ss_shadow(cpu)) because(b, "blocked by MOV SS for one instruction (Vol. 3A, 6.8.3)");
    if (cpu->boundary.activity == ACTIVITY_SHUTDOWN)
        because(b, "the processor is in the shutdown state (Vol. 3C, 24.4.2)");
    if (cpu->boundary.activity == ACTIVITY_WAIT_FOR_SIPI)
        because(b, "the processor waits for a start-up IPI (Vol. 3C, 24.4.2)");
    if (exits && !*b->text)
        because(b,
                "nothing blocks it: \"external-interrupt exiting\" makes a VM exit of it before the next instruction");
}

void waits_because(struct monitor *monitor, const char *what, const struct blocks *b) {
    print_in(monitor, BOLD, "%s waits: ", what);
    print(monitor, "%s\n", *b->text ? b->text : "nothing blocks it: delivered before the next instruction");
}

static bool local_apic(struct monitor *monitor, const struct cpu *cpu, const struct lapic *l) {
    struct blocks b = {""};
    char what[64];
    int vector = l ? vectors_highest(l->irr) : -1, serving = l ? vectors_highest(l->isr) : -1;
    if (vector < 0) return false;
    uint8_t priority = lapic_priority(l);
    if (!lapic_enabled(l)) because(&b, "the local APIC is disabled (IA32_APIC_BASE bit 11)");
    if (!(l->svr >> 8 & 1)) because(&b, "the local APIC is software-disabled (spurious vector register)");
    if ((vector & 0xf0) <= (l->tpr & 0xf0))
        because(&b, "TPR 0x%x: its class %u is not above %u (Vol. 3A, 10.8.3.1)", (unsigned)l->tpr,
                (unsigned)vector >> 4, (unsigned)l->tpr >> 4 & 15);
    if (serving >= 0 && (vector & 0xf0) <= (serving & 0xf0))
        because(&b, "vector 0x%x is in service and had no EOI: PPR 0x%x (Vol. 3A, 10.8.3.1)", (unsigned)serving,
                priority);
    at_processor(cpu, &b);
    snprintf(what, sizeof what, "vector 0x%x", (unsigned)vector);
    waits_because(monitor, what, &b);
    return true;
}

static bool pics(struct monitor *monitor, const struct cpu *cpu, const struct pic *pic, const struct lapic *l) {
    bool any = false;
    for (unsigned irq = 0; pic && irq < 16; irq++) {
        const struct pic_chip *c = &pic->chip[irq / 8];
        unsigned bit = irq % 8;
        struct blocks b = {""};
        char what[64];
        if (!(c->irr >> bit & 1) || irq == 2) continue;
        if (c->imr >> bit & 1) because(&b, "masked in the 8259A's IMR (0x%x)", c->imr);
        if (c->isr & ((1u << (bit + 1)) - 1)) because(&b, "the 8259A has 0x%x in service and had no EOI", c->isr);
        if (l && lapic_enabled(l) && l->lvt[LVT_LINT0] >> 16 & 1) because(&b, "LINT0 of the local APIC is masked");
        at_processor(cpu, &b);
        snprintf(what, sizeof what, "IRQ %u of the 8259A (vector 0x%x)", irq, (c->vector & 0xf8) | bit);
        waits_because(monitor, what, &b);
        any = true;
    }
    return any;
}

static bool others(struct monitor *monitor, const struct cpu *cpu) {
    struct blocks nmi = {""}, debug = {""};
    bool any = cpu->boundary.pending & (PENDING_NMI | PENDING_DEBUG);
    if (cpu->boundary.nmi_blocked) because(&nmi, "blocked by NMI: no IRET since the last one (Vol. 3A, 6.7.1)");
    if (cpu_mov_ss_shadow(cpu))
        because(&nmi, "blocked by MOV SS"), because(&debug, "blocked by MOV SS (Vol. 3A, 6.8.3)");
    if (cpu->boundary.pending & PENDING_NMI) waits_because(monitor, "an NMI", &nmi);
    if (cpu->boundary.pending & PENDING_DEBUG) waits_because(monitor, "a debug exception", &debug);
    return any;
}

// What the VMCS of the level that runs next will deliver, or wants to know.
static bool injected(struct monitor *monitor, const struct cpu *cpu) {
    uint64_t information = 0;
    if (!cpu->wire.extension || vmx_in_non_root(cpu) || vmx_current_vmcs(cpu) == VMX_NO_VMCS) return false;
    (void)vmx_vmcs_read(cpu, vmx_current_vmcs(cpu), FIELD_ENTRY_INTERRUPTION, &information);
    if (!(information >> 31)) return false;
    print(monitor, "vector 0x%x waits for the VM entry that delivers it, with VMCS %" PRIx64 "\n",
          (unsigned)information & 255, vmx_current_vmcs(cpu));
    return true;
}

// Of the guest that runs, or that the current VMCS is for.
static bool virtual_apic(struct monitor *monitor, const struct cpu *cpu) {
    struct virtual_apic v;
    if (!cpu->wire.extension || vmx_current_vmcs(cpu) == VMX_NO_VMCS) return false;
    virtual_apic_read(monitor, vmx_current_vmcs(cpu), &v);
    return virtual_apic_waits(monitor, &v);
}

bool why_interrupt(struct monitor *monitor) {
    const struct cpu *cpu = look_cpu(&monitor->look);
    const struct lapic *l = look_part(&monitor->look, "lapic", monitor->look.processor);
    bool any = local_apic(monitor, cpu, l);
    if (!monitor->look.processor) any |= pics(monitor, cpu, look_part(&monitor->look, "pic", 0), l);
    any |= others(monitor, cpu);
    any |= virtual_apic(monitor, cpu);
    return any | injected(monitor, cpu);
}
