// The virtual APIC of a guest, read from its VMCS and its virtual-APIC page. SDM Vol. 3C, chapter 29.
#ifndef MONITOR_VIRTUAL_APIC_H
#define MONITOR_VIRTUAL_APIC_H
#include "monitor/session/monitor.h"

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

void virtual_apic_read(struct monitor *monitor, uint64_t vmcs, struct virtual_apic *out);
// What of the virtual APIC waits for the guest, and what it waits for, a line each. Whether there is anything.
bool virtual_apic_waits(struct monitor *monitor, const struct virtual_apic *v);
int vectors_highest(const uint32_t bits[8]); // the highest vector; -1: none
void vectors_print(struct monitor *monitor, const char *name, const uint32_t bits[8]);

#endif
