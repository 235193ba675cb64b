// What an access through EPT exits with, within the room. SDM Vol. 3C, 28.3.3, 28.3.6, 29.4.6.1.
#ifndef VMX_EPT_EXITS_H
#define VMX_EPT_EXITS_H
#include "vmx/ept/entry.h"

// `together`: the rights of the entries of the walk, 0 when the last one, `entry`, is not present.
enum outcome ept_violation(struct cpu *cpu, uint64_t guest_physical, const struct second_stage_access *access,
                           const struct ept_rules *rules, uint64_t together, uint64_t entry);
enum outcome ept_misconfiguration(struct cpu *cpu, uint64_t guest_physical);
enum outcome ept_log_full(struct cpu *cpu);
enum outcome ept_apic_access(struct cpu *cpu); // of a guest paging-structure entry that lies in the APIC-access page

// The violation becomes a virtualization exception, 25.5.7 (vmx/ept/exception.c)
bool ept_convertible(struct cpu *cpu, uint64_t entry);
enum outcome ept_exception(struct cpu *cpu, uint64_t qualification, uint64_t linear, uint64_t guest_physical);

#endif
