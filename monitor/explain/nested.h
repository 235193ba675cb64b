// A guest of a guest: what the EPTs that the hypervisors wrote give together, against the one that the processor uses.
// SDM Vol. 3C, 28.4.3.
#ifndef MONITOR_NESTED_H
#define MONITOR_NESTED_H
#include "monitor/explain/walk.h"

// One level on the way from the guest's physical memory to that of the machine.
struct nested_stage {
    unsigned level;
    uint64_t address; // in the physical memory of that level
    bool has_ept;     // else it is that of the level below
    struct walk walk; // through the EPT that the level below wrote
};
struct nested {
    unsigned level; // of the guest
    unsigned stages;
    struct nested_stage stage[VMX_LEVELS];
    uint64_t physical;
    unsigned fails; // at this level's EPT, 1 also where a table cannot be read by it; 0: the address is mapped
    uint64_t rights, rights_with_0; // of those that guests wrote; and with that of level 0
    unsigned type;                  // memory type of the level's own EPT, the first one
};
void nested_walk(const struct view *view, uint64_t guest_physical, struct nested *nested);

// What the processor's EPT has else than they give together.
enum nested_difference {
    NESTED_SAME,
    NESTED_STALE_ADDRESS,     // it leads elsewhere
    NESTED_STALE_RIGHTS,      // it gives more than they do
    NESTED_STALE_MAPPED,      // it maps what they do not
    NESTED_MORE_THAN_LEVEL_0, // more than level 0's own has there as yet
    NESTED_LESS,              // what is missing exits to level 0
    NESTED_NOT_YET,           // level 0's own has nothing there as yet
    NESTED_NOT_YET_MERGED,    // nor the processor's: at the exit level 0 has to find the page
    NESTED_GIVES_EXIT,        // none maps it: level 0 has to give this exit to a level
    NESTED_TO_BE_MERGED,      // the processor's has nothing there yet
};
enum nested_difference nested_compare(const struct nested *nested, const struct walk *processor);

// Of a guest of a guest of a guest: the EPTs that hypervisors have merged for their guests, which level 0 merges again.
struct nested_merged {
    unsigned level; // of the hypervisor; 0: none is wrong
    struct walk walk;
};
typedef void nested_fn(void *context, const struct walk *walk, uint64_t address);
// Which of them gives something else than those that it was merged from; `each` is told all that are walked.
void nested_merged(const struct view *view, const struct nested *nested, nested_fn *each, void *context,
                   struct nested_merged *wrong);

#endif
