// What a VM exit or a VM entry is made of besides its microcode: what the extension that has VMCSs says of the current
// one.
#ifndef CPU_TIMING_CROSSING_H
#define CPU_TIMING_CROSSING_H
#include "cpu/state/cpu.h"

struct timing_area {
    uint64_t address, count; // of entries of 16 bytes
};
struct timing_crossing {
    uint64_t vmcs;   // address of its region; ~0: there is none
    unsigned level;  // of the guest that left or is entered
    unsigned reason; // basic exit reason of the last exit
    struct timing_area entry_load, exit_store, exit_load;
};
typedef void timing_crossing_fn(const struct cpu *cpu, struct timing_crossing *out);

#endif
