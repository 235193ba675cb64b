// Lab 12: what is given beside labs/lib.
#include "lab.h"

void outer_guest(void); // level 1: a hypervisor
void inner_guest(void); // level 2: its guest

// Operands of VMX instructions that made a VM exit, by INSTRUCTION_INFORMATION and EXIT_QUALIFICATION.
uint64_t operand_pointer(struct guest *guest);                    // of VMXON, VMCLEAR, VMPTRLD: the 64 bits in memory
uint64_t *operand_register(struct guest *guest, unsigned number); // a general-purpose register

// All fields, by index from 0; NO_FIELD past the last one. And the index of an encoding.
enum { FIELDS = 200, NO_FIELD = 0xffff };
unsigned field_at(unsigned index);
unsigned field_index(uint64_t encoding);
#define FIELD_TYPE(encoding) ((encoding) >> 10 & 3)
enum { TYPE_CONTROL, TYPE_INFORMATION, TYPE_GUEST, TYPE_HOST };
