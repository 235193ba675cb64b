// Fields of the VMCSs as the hypervisors have them: level 0 the processor's own, deeper ones those that they keep for
// their guests, of which the processor knows what VMREAD and VMWRITE of a shadow VMCS and VM exits have shown.
#ifndef MONITOR_EXPLAIN_OWN_VMCS_H
#define MONITOR_EXPLAIN_OWN_VMCS_H
#include "devices/machine/machine.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"

struct history;
struct vmcs_source {
    struct machine *machine;
    const struct history *history; // may be NULL
    const struct cpu *cpu;
    unsigned level;
};
// The shadow VMCS in which that guest has this field of the VMCS that it has loaded, as FIELD_VMREAD_BITMAP or
// FIELD_VMWRITE_BITMAP says; VMX_NO_VMCS: it exits.
uint64_t vmcs_shadow_of(const struct vmcs_source *guest, enum vmcs_field bitmap, unsigned field);
// What that guest would read there without a VM exit. False: it would exit.
bool vmcs_shadowed(const struct vmcs_source *guest, unsigned field, uint64_t *value);
// A field of the VMCS of the guest at a level, as the hypervisor below it has it. False: that was not seen.
bool vmcs_own_field(const struct vmcs_source *source, enum vmcs_field field, uint64_t *value);
// A field of the VMCS that the hypervisor at a level has loaded: that with which it has entered whatever runs above it.
bool vmcs_entered_field(const struct vmcs_source *source, enum vmcs_field field, uint64_t *value);

#endif
