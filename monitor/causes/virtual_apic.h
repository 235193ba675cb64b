// The virtual APIC of a guest, read from its VMCS and its virtual-APIC page. SDM Vol. 3C, chapter 29.
#ifndef MONITOR_CAUSES_VIRTUAL_APIC_H
#define MONITOR_CAUSES_VIRTUAL_APIC_H
#include "devices/machine/machine.h"
#include <stdbool.h>
#include <stdint.h>

// Offsets in the virtual-APIC page, 29.1.1.
enum { VIRTUAL_APIC_TPR = 0x80, VIRTUAL_APIC_PPR = 0xa0, VIRTUAL_APIC_ISR = 0x100, VIRTUAL_APIC_IRR = 0x200 };

struct virtual_apic {
    uint64_t vmcs, pin, proc, proc2; // controls; proc2 is 0 while they are not activated
    bool has_page;                   // "use TPR shadow", and the page is RAM:
    uint64_t page;
    uint32_t tpr, ppr;
    uint32_t irr[8], isr[8];
    uint8_t rvi, svi, threshold;
    bool has_descriptor; // "process posted interrupts", and the descriptor is RAM:
    uint64_t descriptor;
    uint32_t pir[8];
    bool outstanding;
};

// Whether a control of the VMCS is 1: APIC_CONTROL(v, proc2, PROC2, APIC_REGISTERS).
#define APIC_CONTROL(v, member, group, name) ((v)->member >> group##_##name & 1)
#define APIC_DELIVERS(v) APIC_CONTROL(v, proc2, PROC2, VIRTUAL_INTERRUPTS)
#define APIC_POSTS(v) APIC_CONTROL(v, pin, PIN, POSTED_INTERRUPTS)

void virtual_apic_read(const struct machine *machine, unsigned processor, uint64_t vmcs, struct virtual_apic *out);
int vectors_highest(const uint32_t bits[8]); // the highest vector; -1: none

#endif
