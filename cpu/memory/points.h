// Breakpoints and watchpoints, for those who fetch, execute and access memory (cpu/watch/observe.h).
#ifndef CPU_POINTS_H
#define CPU_POINTS_H
#include "cpu/pages/pages.h"
#include "cpu/watch/observe.h"

// Whether an instruction at this offset of any page might be a breakpoint's.
bool observe_offset(const struct cpu *cpu, uint64_t offset);
// Whether the instruction at `linear` is a breakpoint's. `physical`: of its first byte; ~0: to be found out.
bool observe_breakpoint(struct cpu *cpu, uint64_t linear, uint64_t physical);
// The beginning of the attempt at `linear` counts as told.
void observe_pass(struct cpu *cpu, uint64_t linear);
// Before an attempt at the instruction at `linear`. True: it must run alone. cpu->observation.stop says whether to
// stop.
bool observe_before(struct cpu *cpu, uint64_t linear);
// Whether a data access to the page of `linear` must be looked at; `page` is its translation.
bool observe_page(struct cpu *cpu, uint64_t linear, uint64_t page, bool write);
// Instructions are about to be fetched from the page of `linear`, not through a fast entry.
void observe_fetch(struct cpu *cpu, uint64_t linear, uint64_t page);
// Whether a data access hits a watchpoint: its instruction must run alone.
bool observe_hits(struct cpu *cpu, uint64_t linear, uint64_t page, unsigned size, bool write);
// Tells about a data access within one page, before a write takes place. `data`: what is read or will be written.
void observe_access(struct cpu *cpu, uint64_t linear, uint64_t physical, unsigned size, const void *data, bool write);
// Tells of a store to physical memory by others than instructions, before it takes place (cpu/pages/pages.h).
void observe_stored(struct cpu *cpu, enum stored_by by, uint64_t physical, const void *from, uint64_t bytes);

#endif
