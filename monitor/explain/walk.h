// Address translation as the tables in memory say, one stage at a time, with every entry that was read. Nothing is set,
// cached or taken from a cache. SDM Vol. 3A, chapter 4; Vol. 3C, 28.3.
//
// A guest of a guest has two ways from its physical addresses to memory. The processor uses one EPT, which level 0 has
// merged (EPT02 in the words of the Turtles paper, Ben-Yehuda et al., OSDI 2010, 3.3). The EPTs that it is merged from
// are the "own" ones: that of level n, in the physical memory of level n - 1, was written by the hypervisor there.
#ifndef MONITOR_WALK_H
#define MONITOR_WALK_H
#include "monitor/explain/view.h"

enum walk_kind { WALK_NO_PAGING, WALK_32, WALK_PAE, WALK_4, WALK_5, WALK_EPT };
enum walk_fault { WALK_FINE, WALK_NOT_PRESENT, WALK_RESERVED, WALK_NO_TABLE, WALK_NOT_CANONICAL };
enum { WALK_ENTRIES = 5 };

struct walk {
    enum walk_kind kind;
    enum walk_fault fault;
    uint64_t address, root; // what is translated; CR3 or EPTP
    unsigned memory;        // EPT: the level whose physical memory has the tables, 0: the processor's
    uint64_t result;        // guest-physical after a linear stage, physical after EPT
    unsigned shift;         // of the page: 12, 21, 22, 30
    unsigned count;
    struct walk_entry {
        unsigned level; // 5: PML5E, ... 1: PTE
        unsigned index; // in its table
        uint64_t at;    // address of the entry: guest-physical; for EPT in the physical memory of that level
        uint64_t value;
        uint64_t bad; // reserved bits that are set
    } entry[WALK_ENTRIES];
};

// True when the tables map the address.
bool walk_first_stage(const struct view *view, uint64_t linear, struct walk *walk);
bool walk_second_stage(const struct view *view, uint64_t guest_physical, struct walk *walk); // the view has an EPTP
// The own EPT of a level, from 1 to the view's; the view has them.
bool walk_own_stage(const struct view *view, unsigned level, uint64_t address, struct walk *walk);
// Through all of them, from this level down.
bool walk_own(const struct view *view, unsigned level, uint64_t address, uint64_t *physical);
// What the processor does; where its EPT has nothing yet, what level 0 would enter there.
bool walk_guest_physical(const struct view *view, uint64_t guest_physical, uint64_t *physical);
bool walk_linear(const struct view *view, uint64_t linear, uint64_t *physical);
bool walk_linear_to_guest(const struct view *view, uint64_t linear, uint64_t *guest_physical);

#endif
