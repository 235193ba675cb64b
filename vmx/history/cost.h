// What exits of guests of guests cost: everything that was done until the guest ran again, by its hypervisor and by
// those below, with the exits that they made for it. Kept from reset on; part of struct history_cpu.
#ifndef VMX_COST_H
#define VMX_COST_H
#include <stdint.h>

enum {
    COST_KINDS = 256, // kinds of exits
    COST_PARTS = 512, // pairs of a kind and one that was made for it
    COST_INSIDE = 32, // kinds within one exit
    COST_LEVELS = 9,  // VMX_LEVELS
};

struct cost_sum {
    uint64_t cycles, steps;
};
// A kind of exit: its level, its reason and, of RDMSR, WRMSR and IO_INSTRUCTION, the MSR or port.
struct cost_kind {
    uint32_t level, reason, detail, has_detail; // level 0: the place is free
    uint64_t count;                             // that were answered: the guest ran again
    struct cost_sum all, level0, own;           // own: of the guest's hypervisor, where that is not level 0
    uint64_t worst_cycles, worst_step;          // step: when it exited
};
// Exits of the kind `inner` that were made for those of the kind `outer`.
struct cost_part {
    uint32_t used, outer, inner, spare;
    uint64_t count;
    struct cost_sum all;
};
// An exit that is being answered. Kinds are places in `kind` and 1; 0: none.
struct cost_open {
    uint32_t kind, count; // count: of `inside`
    uint64_t node, step;
    struct cost_sum begin, level0, own; // clocks when it exited
    uint64_t lost;                      // exits inside for which there was no room
    struct cost_inside {
        uint32_t kind, spare;
        uint64_t count;
        struct cost_sum all;
    } inside[COST_INSIDE];
};
struct cost_book {
    uint64_t top;  // the deepest level with an exit that is being answered; 0: none
    uint64_t lost; // exits and parts for which there was no room
    struct cost_kind kind[COST_KINDS];
    struct cost_part part[COST_PARTS];
    struct cost_open open[COST_LEVELS];
};

#endif
