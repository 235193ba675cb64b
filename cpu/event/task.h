// Task switches. SDM Vol. 3A, 7.3.
#ifndef CPU_TASK_H
#define CPU_TASK_H
#include "cpu/state/cpu.h"

struct descriptor;
enum task_source { TASK_CALL, TASK_IRET, TASK_JUMP, TASK_EVENT }; // as in the exit qualification

struct task_switch {
    enum task_source source;
    uint16_t selector;    // of the new TSS
    uint64_t rip, rflags; // what the old task's TSS gets
    uint32_t ext;         // EXT flag of error codes
    bool has_error_code;  // of an exception: pushed on the new task's stack
    uint32_t error_code;
    const struct descriptor *tss; // of the new TSS, when it was fetched already; else NULL
};

// Leaves RIP at the new task's first instruction. A fault after the new task was entered is one of the new task.
enum outcome task_switch(struct cpu *cpu, const struct op *op, const struct task_switch *t);
// The TSS selector of a task gate whose descriptor is `raw`.
ALWAYS_INLINE uint16_t task_gate_selector(uint64_t raw) { return (uint16_t)(raw >> 16); }

#endif
