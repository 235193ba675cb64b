// What the files of the kind `lost` remember, and what they ask each other: events (lost.c), the interrupt controllers
// (lost_service.c), the virtual APIC and posted interrupts (lost_virtual.c). All in words of 8 bytes.
#ifndef MONITOR_REPORT_LOST_H
#define MONITOR_REPORT_LOST_H
#include "monitor/report/guests.h"

struct lapic;
struct pic;

// Where and when something was done.
struct lost_moment {
    uint64_t step, rip, level;
};

struct lost {
    struct lost_guest {
        uint64_t key;              // 0: nothing is remembered of a guest
        uint64_t owed, reason;     // IDT-vectoring information of the exit that cut it short (0: nothing is owed),
        struct lost_moment cut;    // and that exit
        uint64_t waits;            // it waits for its window
        uint64_t given, code, cr2; // what the last VM entry injected; 0: nothing
        struct lost_moment giving; // that entry
        uint64_t again;            // the same once it was delivered, and the exit after it is no reason to do it again
    } guest[GUESTS];
    uint64_t guests; // keys in use
    struct lost_virtual {
        uint64_t key;       // 0: free
        uint64_t irr;       // the vector that RVI did not show at the last VM entry, and 1; 0: none
        uint64_t posted[4]; // requests of the descriptor then
    } virtual[GUESTS];
    struct lost_processor {
        uint64_t acknowledged;   // vector of an interrupt that a VM exit acknowledged and nobody dealt with yet, and 1
        uint64_t entries;        // of the guest since then
        struct lost_moment exit; // the last exit by an external interrupt
        uint64_t serving;        // interrupts in service in the local APIC, when last looked at
        uint64_t emulated;       // the step of the guest's WRMSR of which the last EOI was made
        uint64_t top, since;     // the highest of them and 1, and the step from which on
    } processor[MACHINE_CPUS];
    // no state
    const struct lapic *lapic[MACHINE_CPUS];
    const struct pic *pic;
    struct reports *reports;
    struct point eoi;
};

// Each is told what concerns it.
void lost_event_exit(struct lost *l, const struct seen *at);
void lost_event_entry(struct lost *l, const struct seen *at);
void lost_service_exit(struct lost *l, const struct seen *at);
void lost_service_entry(struct lost *l, const struct seen *at);
void lost_service_delivery(struct lost *l, const struct seen *at); // of an interrupt
void lost_service_eoi(struct lost *l, const struct seen *at);
void lost_virtual_exit(struct lost *l, const struct seen *at);
void lost_virtual_entry(struct lost *l, const struct seen *at);

// Among these files.
void lost_began(struct report *report, const struct cpu *cpu, const struct lost_moment *moment, const char *began);

#endif
