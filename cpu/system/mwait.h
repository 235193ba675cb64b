// Address-range monitoring: what MONITOR arms, which stores trigger it, and MWAIT's wait. SDM Vol. 3A, 8.10.4.
//
// A page that holds an armed line has no write tag in the fast entries of any processor over the same memory (as pages
// with decoded code have none), so that ordinary stores pay nothing and those to such pages are seen in
// cpu/memory/memory.c.
#ifndef CPU_MWAIT_H
#define CPU_MWAIT_H
#include "cpu/state/cpu.h"

enum {
    MWAIT_LINE = 64,    // bytes, smallest and largest: CPUID leaf 5
    MWAIT_MEMBERS = 64, // processors over one memory
    MWAIT_PAGES = 128,  // pages without write tags; at most MWAIT_MEMBERS of them are in use
    MWAIT_FILTER = 4096,
};

// Derived, but for the wiring: pages stay here when they are no longer monitored, for they will be again soon.
struct mwait_group {
    struct cpu *member[MWAIT_MEMBERS];
    unsigned members, pages;
    uint64_t page[MWAIT_PAGES];
    uint64_t filter[MWAIT_FILTER / 64]; // bit: a page with this number, modulo MWAIT_FILTER, may be in `page`
};

struct mwait_group *mwait_group_new(void);                         // NULL when memory is short
bool mwait_group_join(struct mwait_group *group, struct cpu *cpu); // false: there are too many
void mwait_group_leave(struct cpu *cpu);                           // the last one frees it
// Lists the pages of the armed monitors and no others. Whoever loads a state calls this (cpu_drop_derived does).
void mwait_group_renew(struct mwait_group *group);

// Arms the monitor of the line around a physical address in RAM.
void mwait_arm(struct cpu *cpu, uint64_t physical);
// A store to a page that may be monitored: triggers the monitors of the lines it touches. Whether the page is one.
bool mwait_page_stored(struct cpu *cpu, uint64_t physical, uint64_t bytes);

// Every store off the fast path passes here. True: the page must not get a write tag.
ALWAYS_INLINE bool mwait_stored(struct cpu *cpu, uint64_t physical, uint64_t bytes) {
    unsigned hash = (unsigned)(physical >> 12) % MWAIT_FILTER;
    if (likely(!(cpu->wire.mwait_group->filter[hash / 64] >> hash % 64 & 1))) return false;
    return mwait_page_stored(cpu, physical, bytes);
}

#endif
