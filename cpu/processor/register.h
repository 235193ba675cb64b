// Registers of a processor by number, for those who write them from outside: the rows of register.def.
#ifndef CPU_REGISTER_H
#define CPU_REGISTER_H
#include "cpu/state/cpu.h"

enum register_number {
#define REGISTER(id, name, member, bits) REGISTER_##id,
#include "cpu/processor/register.def"
    REGISTER_COUNT,
};
struct register_row {
    const char *name;
    uint32_t offset, bytes; // in struct cpu
    uint64_t bits;          // that may be set
};
bool register_row(unsigned number, struct register_row *out); // false past the last one
int register_at(size_t offset);                               // of that member of struct cpu; -1: none
// False: too many bytes, or bits that may not be set. Afterwards cpu_update_space: for all that follows from registers.
bool register_store(struct cpu *cpu, enum register_number number, const void *data, size_t bytes);

#endif
