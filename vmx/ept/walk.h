// The walk of the EPT paging structures by the processor, within the room. SDM Vol. 3C, 28.3.2.
#ifndef VMX_EPT_WALK_H
#define VMX_EPT_WALK_H
#include "vmx/ept/entry.h"

struct ept_walk {
    uint64_t guest_physical;
    uint64_t rights; // logical AND of bits 2:0
    uint64_t above;  // the same without the last entry
    uint64_t entry[LEVEL_PML4 + 1], at[LEVEL_PML4 + 1];
    unsigned top, level; // of the first and the last entry read
    bool absent, bad;
    bool waits; // an entry is not in RAM, and the instruction must run alone to read it
};

// Walks guest_physical for an access that needs these rights: from what is cached, or from the root.
void ept_walk(struct cpu *cpu, struct ept_walk *walk, const struct ept_rules *rules, uint64_t needs, uint64_t eptp);
// Enters the lowest table into the cache.
void ept_walk_remember(struct vmx *vmx, const struct ept_walk *walk);

// Accessed and dirty flags, page-modification logging: 28.3.5, 28.3.6 (vmx/ept/flags.c)
enum outcome ept_update_flags(struct cpu *cpu, struct ept_walk *walk, bool write);

#endif
