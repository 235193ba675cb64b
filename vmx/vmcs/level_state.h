// What vmx/level/level.c has found out by watching: which level of virtualization runs, and which VMCS serves each. It
// is no architectural state: the guest cannot see it. But it follows from the run alone, and whoever saves a machine to
// go on with it later may save this with it (vmx_level_state).
#ifndef VMX_LEVEL_STATE_H
#define VMX_LEVEL_STATE_H
#include <stdint.h>

enum { LEVEL_NODES = 48, LEVEL_DEPTH = 8 };
enum level_kind { LEVEL_FREE, LEVEL_GUEST, LEVEL_STAND_IN };

// A VMCS as the hypervisor that uses it knows it. GUEST: it serves a guest of that hypervisor, "vmcs01"; the node then
// also stands for this guest, which may be a hypervisor itself. STAND_IN: it was made to do the work of a VMCS of such
// a guest, "vmcs02", and serves whoever that VMCS serves. Node 0 is VMX root operation, the processor's own hypervisor.
struct level_node {
    uint64_t kind;
    uint64_t owner;     // node of the hypervisor
    uint64_t pointer;   // in the hypervisor's physical memory
    uint64_t cleared;   // VMCLEAR: what it is will be found out again
    uint64_t used;      // when, for replacement
    uint64_t cr3, eptp; // of owner 0: what it had in these fields at its last VM exit
    // --- STAND_IN ---
    uint64_t of; // the guest whose current VMCS it stands in for
    // --- GUEST ---
    uint64_t level;
    uint64_t current;                // VMCS pointer it loaded last; VMCS_NONE: unknown
    uint64_t seen_node, seen_reason; // the last VM exit that reached it: whose, why. Node 0 of no use: none
    uint64_t hardware;               // the processor's VMCS pointer when it ran last
};

// For all processors of a machine together: a guest may move between them.
struct levels {
    struct level_node node[LEVEL_NODES];
    uint64_t clock;
    uint64_t deep; // a guest of level 2 is a hypervisor: guests of level 2 and more share a VMCS of the processor
    unsigned users;
};

// For each processor.
struct level_run {
    uint64_t vmcs;                   // node of the processor's VMCS that was entered last
    uint64_t node;                   // the guest that runs, or ran last; 0: none yet
    uint64_t seen_node, seen_reason; // as in level_node, for root operation
    uint64_t last[LEVEL_DEPTH + 1];  // the guest of each level that ran last
    uint64_t saved[LEVEL_DEPTH + 1]; // whose state vmx->level_saved has
};

#endif
