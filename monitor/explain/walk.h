// Address translation as the tables in memory say, one stage at a time, with every entry that was read, by the rows
// that the processor walks by. Nothing is set, cached or taken from a cache. SDM Vol. 3A, chapter 4; Vol. 3C, 28.3.
//
// A guest of a guest has two ways from its physical addresses to memory. The processor uses one EPT, which level 0 has
// merged (EPT02 in the words of the Turtles paper, Ben-Yehuda et al., OSDI 2010, 3.3). The EPTs that it is merged from
// are the "own" ones: that of level n, in the physical memory of level n - 1, was written by the hypervisor there.
#ifndef MONITOR_WALK_H
#define MONITOR_WALK_H
#include "cpu/memory/look.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/view.h"
#include "vmx/ept/look.h"

enum walk_kind { WALK_NO_PAGING, WALK_32, WALK_PAE, WALK_4, WALK_5, WALK_EPT };

struct walk {
    enum walk_kind kind;
    uint64_t root;              // CR3 or EPTP
    unsigned memory;            // EPT: the level whose physical memory has the tables, 0: the processor's
    struct table_look look;     // what was found: entries, verdict, result, rights
    struct paging_rules rules;  // by which it was judged: of a linear stage,
    struct ept_rules ept_rules; // of EPT
};
// The last entry that was read; there is one.
static inline const struct look_entry *walk_last(const struct walk *walk) {
    return &walk->look.entry[walk->look.count - 1];
}
const char *walk_entry_name(const struct walk *walk, unsigned entry); // "PDPTE"

// True when the tables map the address.
bool walk_first_stage(const struct view *view, uint64_t linear, struct walk *walk);
bool walk_second_stage(const struct view *view, uint64_t guest_physical, struct walk *walk); // the view has an EPTP
// The own EPT of a level, from 1 to the view's; the view has them.
bool walk_own_stage(const struct view *view, unsigned level, uint64_t address, struct walk *walk);
// An EPT that lies in the memory of that level, which has merged it for the view's.
bool walk_merged_stage(const struct view *view, unsigned level, uint64_t eptp, uint64_t address, struct walk *walk);
// What walk_own found for a page of a level's memory: a walk of the EPTs of several levels asks for the same again and again.
struct walk_memo {
    struct {
        uint64_t key, physical; // page | level << 1 | 1; 0: free
    } of[64];
};
// Through all of them, from this level down.
bool walk_own(const struct view *view, unsigned level, uint64_t address, uint64_t *physical);
// What the processor does; where its EPT has nothing yet, what level 0 would enter there.
bool walk_guest_physical(const struct view *view, uint64_t guest_physical, uint64_t *physical);
bool walk_linear(const struct view *view, uint64_t linear, uint64_t *physical);
bool walk_linear_to_guest(const struct view *view, uint64_t linear, uint64_t *guest_physical);
// Where an entry lies: false when that is the address it was read at, or a register.
bool walk_entry_physical(const struct view *view, const struct walk *walk, unsigned entry, uint64_t *physical);

// --- backing.c ---

// Memory of a guest that is not in level 0's EPT for it, found in the process of level 0 that backs it: hypervisors
// like KVM map a guest's memory into a process, in large stretches, and enter pages of it into EPT when the guest
// touches them. Where neighbours that are in EPT lie in that process at one distance, a page between them does too.
// What was found, for a while: kept by who looks, and reached through the view.
struct backing {
    bool looked, found;
    uint64_t distance; // from guest-physical addresses of level 1 to the process's
};
// Where level 0 would enter the page of level 1's physical memory; the view has a backing. False: not known.
bool backing_find(const struct view *view, uint64_t guest_physical, uint64_t *physical);

// --- facts (walk_fact.c) ---

// Why a walk ends where it does: the rule that the last entry breaks, one fact a rule. None when the address is mapped.
unsigned walk_facts(const struct view *view, const struct walk *walk, struct fact *facts, unsigned max);
// What the access needs of a linear stage that maps the address: every row of access_right.def that concerns it.
unsigned walk_right_facts(const struct view *view, const struct walk *walk, const struct translation_access *access,
                          struct fact *facts, unsigned max);
// What the access needs of EPT: every row of vmx/ept/right.def that concerns it.
unsigned walk_ept_right_facts(const struct view *view, const struct walk *walk,
                              const struct second_stage_access *access, struct fact *facts, unsigned max);
// An access through both stages, with the facts that decide where it ends.
unsigned walk_access(const struct view *view, uint64_t linear, const struct translation_access *access,
                     struct access_answer *answer, struct fact *facts, unsigned max);
// The named bits of an entry that mean something where it is used: false past the last one.
struct walk_bit {
    const char *name, *text;
    uint64_t value; // of the bits, from 0
    bool single;
};
bool walk_bit(const struct walk *walk, unsigned entry, unsigned row, struct walk_bit *out);

#endif
