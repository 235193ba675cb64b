// What far returns and IRET share. SDM Vol. 2A, IRET; Vol. 2B, RET.
#ifndef CPU_FAR_H
#define CPU_FAR_H
#include "cpu/event/descriptor.h"

// The code segment that a return goes to, checked against the current privilege level.
enum outcome return_code(struct cpu *cpu, uint16_t selector, struct descriptor *d);
// The stack segment of a return to privilege level `cpl`; null is allowed for 64-bit code above privilege level 3.
enum outcome return_stack(struct cpu *cpu, uint16_t selector, unsigned cpl, bool to_64bit, struct descriptor *d);
void return_stack_set(struct cpu *cpu, uint16_t selector, unsigned cpl, const struct descriptor *d);
// Data segments that the outer privilege level may not use become null.
void return_drop_segments(struct cpu *cpu, unsigned cpl);

#endif
