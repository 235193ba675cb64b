// Address-range monitoring: what MONITOR arms and which stores trigger it. SDM Vol. 3A, 8.10.4.
//
// A page that holds an armed line has PAGE_ARMED and no write tag in the fast entries of any processor over the same
// memory, so that ordinary stores pay nothing and those to such pages pass the door.
#ifndef CPU_MONITOR_H
#define CPU_MONITOR_H
#include "cpu/pages/pages.h"

enum { MONITOR_LINE = 64 }; // bytes, smallest and largest: CPUID leaf 5

// Arms the monitor of the line around a physical address, which lies in `frame`.
void monitor_arm(struct cpu *cpu, struct page_frame frame, uint64_t physical);
// A store to a page with PAGE_ARMED: triggers the monitors of the lines it touches.
void monitor_stored(struct pages *pages, uint64_t physical, uint64_t bytes);
// PAGE_ARMED for the pages of the armed monitors and no others. Whoever loads a state calls this (cpu_drop_derived
// does).
void monitor_renew(struct pages *pages);

#endif
