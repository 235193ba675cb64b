// Model-specific registers by name, and their values as a debugger reads them.
#ifndef MONITOR_MSR_NAME_H
#define MONITOR_MSR_NAME_H
#include "cpu/state/cpu.h"
#include "devices/machine/machine.h"

struct msr_name {
    const char *name;
    uint32_t address;
};
// In ascending order of address; NULL past the last one.
const struct msr_name *msr_name_at(unsigned index);
const char *msr_name(uint32_t address); // NULL: it has none here
// False when the processor does not have it, or it cannot be read without a trace.
bool msr_peek(const struct machine *machine, const struct cpu *cpu, uint32_t address, uint64_t *value);

#endif
