// The virtual APIC, as the rest of vmx/ uses it. SDM Vol. 3C, chapter 29.
#ifndef VMX_VIRTUAL_APIC_H
#define VMX_VIRTUAL_APIC_H
#include "vmx/vmcs/vmcs.h"

// --- vmx/apic/registers.c: OUT_LEAVE when the access was virtualized ---
enum outcome virtual_apic_cr8_read(struct cpu *cpu, unsigned gpr);
enum outcome virtual_apic_cr8_write(struct cpu *cpu, uint64_t value);
enum outcome virtual_apic_rdmsr(struct cpu *cpu, uint64_t index);
enum outcome virtual_apic_wrmsr(struct cpu *cpu, uint64_t index, uint64_t value);

// --- vmx/apic/access_page.c ---
enum outcome virtual_apic_access(struct cpu *cpu, uint64_t linear, unsigned size, enum apic_access access,
                                 uint64_t *page);

// --- vmx/apic/emulation.c ---
enum outcome virtual_apic_poll(struct cpu *cpu); // APIC-write emulation and the exits that follow an instruction

// --- vmx/apic/interrupt.c ---
enum outcome virtual_apic_deliver(struct cpu *cpu); // the recognized virtual interrupt
void virtual_apic_enter(struct cpu *cpu);           // VM entry

// --- vmx/apic/posted.c ---
void virtual_apic_posted(struct cpu *cpu);

#endif
