// What a VM exit reports of the instruction's operands, read from the record that is executed. SDM Vol. 3C, 27.2.5.
#ifndef VMX_INFORMATION_H
#define VMX_INFORMATION_H
#include "cpu/state/cpu.h"

uint32_t information_memory(const struct op *op);             // Tables 27-9 to 27-14, memory operand
uint32_t information_string_io(const struct op *op, bool in); // Table 27-8
uint64_t information_displacement(const struct cpu *cpu, const struct op *op);
bool information_is_memory(const struct op *op);

#endif
