// The extended page tables as the other rooms of VT-x use them. SDM Vol. 3C, 28.3, 28.4.
//
// The cache of guest-physical mappings is architectural: it holds what the tables said when it was filled, until INVEPT
// or an EPT violation drops it: translations, a 4-KByte page an entry, and the entries that reference page tables and
// page directories. What is cached never causes an EPT violation or misconfiguration: before, the tables are walked
// from the top. Memory types are checked but have no effect. NOT IMPLEMENTED: sub-page write permissions.
#ifndef VMX_EPT_H
#define VMX_EPT_H
#include "vmx/vmcs/vmcs.h"

second_stage_fn ept_translate;
void ept_reset(struct vmx *vmx);
void ept_use(struct vmx *vmx, uint64_t eptp);
void ept_invalidate(struct vmx *vmx, uint64_t eptp);
void ept_invalidate_all(struct vmx *vmx);

// EPTP switching, 25.5.6.3: what the list has there; and going on with it, once it is known to be valid.
bool ept_list_entry(struct cpu *cpu, uint32_t entry, uint64_t *eptp); // false: the list has no such entry
void ept_switch(struct cpu *cpu, uint64_t eptp, uint32_t entry);

// For debuggers: where the processor's EPT leads, as the tables say. False: nowhere, or a table lies outside RAM.
bool ept_peek(const struct cpu *cpu, uint64_t eptp, uint64_t guest_physical, uint64_t *physical);

#endif
