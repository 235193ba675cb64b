// What INT n, CLI, STI and IRET do in virtual-8086 mode, or at a privilege level that IOPL does not admit. SDM Vol.
// 3A, 20.3.
#ifndef CPU_VM86_H
#define CPU_VM86_H
#include "cpu/state/cpu.h"

// OUT_OK: INT n goes on through the IDT; OUT_LEAVE: the 8086 program's handler was entered.
enum outcome vm86_int(struct cpu *cpu, const struct op *op, uint8_t vector);
enum outcome vm86_cli(struct cpu *cpu);
enum outcome vm86_sti(struct cpu *cpu);
enum outcome vm86_iret(struct cpu *cpu, unsigned w);

#endif
