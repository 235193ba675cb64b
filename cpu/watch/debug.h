// Breakpoints of DR0 to DR3, and what else sends ordinary accesses the slow way. SDM Vol. 3B, 17.2, 17.3.1.
#ifndef CPU_DEBUG_H
#define CPU_DEBUG_H
#include "cpu/state/cpu.h"

#define DEBUGCTL_LBR BIT(0)
#define DEBUGCTL_BTF BIT(1)
#define DEBUGCTL_FREEZES (BIT(11) | BIT(12)) // of last branches, of performance counters, by a performance interrupt
#define DR7_GD BIT(13)
#define DR7_ENABLED BITS(7, 0) // L0, G0 to L3, G3

// cpu->watch. Derived from DR7, CR0.AM, RFLAGS.AC and CPL; 0 as a rule.
enum watch {
    WATCH_CODE = 1 << 0,
    WATCH_DATA = 1 << 1,
    WATCH_IO = 1 << 2,
    WATCH_ALIGNMENT = 1 << 3, // #AC: no data access takes the fast way
    WATCH_POINT = 1 << 4,     // accesses are told to observers, or pages have watchpoints (cpu/watch/observe.h)
};

// Recalculates cpu->watch. True when fast entries may let accesses pass that must now be looked at.
bool debug_update(struct cpu *cpu);
// Whether an enabled breakpoint of this kind lies in the page of `linear`.
bool debug_page_watched(const struct cpu *cpu, enum watch kind, uint64_t linear);
// The breakpoints (bits of DR6) that fetching the instruction at `linear` hits.
uint64_t debug_code(const struct cpu *cpu, uint64_t linear);
// Notes the breakpoints that the access hits: they are reported after the instruction. False: there are some.
bool debug_data(struct cpu *cpu, uint64_t linear, unsigned size, bool write);
void debug_port(struct cpu *cpu, uint16_t port, unsigned size);
// The instruction is done: what it hit becomes a pending debug exception.
void debug_hits_pend(struct cpu *cpu);
// Whether an access at CPL 3 with alignment checking is an alignment-check exception, SDM Vol. 3A, Table 6-7.
bool debug_misaligned(uint64_t linear, unsigned size);

#endif
