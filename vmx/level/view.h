// VMCSs as a debugger reads them: by field, on any VMCS, on the processor or in its region. Nothing here fills a cache
// or touches a device, and but for vmx_vmcs_write nothing changes any state. SDM Vol. 3C, chapter 24.
#ifndef VMX_VIEW_H
#define VMX_VIEW_H
#include "cpu/state/cpu.h"
#include "vmx/vmcs/names.h"

#define VMX_NO_VMCS (~0ull)

enum vmx_field_type { VMX_FIELD_CONTROL, VMX_FIELD_INFORMATION, VMX_FIELD_GUEST, VMX_FIELD_HOST };
struct vmx_field {
    const char *name, *text; // "GUEST_CR0"; the manual's name
    uint32_t encoding;
    uint8_t bytes; // 2, 4 or 8; natural-width fields have 8
    uint8_t type;  // enum vmx_field_type
};
// False past the last field.
bool vmx_field(unsigned index, struct vmx_field *out);
// Case does not matter. -1: no such field.
int vmx_field_find(const char *name);
// Of the field that the processor has with this encoding; the high half of a 64-bit field counts. -1: none.
int vmx_field_encoded(const struct cpu *cpu, uint64_t encoding);
// Whether the processor has the field.
bool vmx_field_exists(const struct cpu *cpu, unsigned index);

// The state of VT-x that is in no VMCS, 24.1, 27.1, 24.11.
struct vmx_operation {
    bool on;           // in VMX operation: after VMXON
    uint64_t vmxon;    // its region
    bool init_blocked; // an INIT waits for the end of VMX root operation
    bool nmi_blocked;  // virtual-NMI blocking
    uint32_t abort;    // the indicator of a VMX abort; 0: none
    uint64_t feature_control;
};
void vmx_operation(const struct cpu *cpu, struct vmx_operation *out);
// The VMCSs that the processor keeps: their regions may be out of date, and a reset does not write them back.
struct vmx_kept {
    uint64_t pointer;
    bool launched, shadow;
};
bool vmx_kept(const struct cpu *cpu, unsigned index, struct vmx_kept *out); // false past the last one

bool vmx_in_operation(const struct cpu *cpu); // after VMXON
bool vmx_in_non_root(const struct cpu *cpu);
uint64_t vmx_current_vmcs(const struct cpu *cpu); // VMX_NO_VMCS: none
// The VMCS through which the guest at `level` (1 and more) runs now, or ran last.
uint64_t vmx_level_vmcs(const struct cpu *cpu, unsigned level);
// The value that the processor would use. False: there is no RAM where the region should be.
bool vmx_vmcs_read(const struct cpu *cpu, uint64_t vmcs, unsigned field, uint64_t *value);
// Where the field lies in its region.
uint64_t vmx_vmcs_field_address(uint64_t vmcs, unsigned field);
uint64_t vmx_field_bits(unsigned field, uint64_t value); // of what lies there, those that the field has
// By hand: the field's bits of the value, where vmx_vmcs_read finds them. A region is in RAM: after that caches of it
// are to be dropped.
bool vmx_vmcs_write(struct cpu *cpu, uint64_t vmcs, unsigned field, uint64_t value);
// Whether the VMCS is kept on the processor (its region may be out of date); its launch state.
bool vmx_vmcs_active(const struct cpu *cpu, uint64_t vmcs);
uint32_t vmx_revision(void); // what a region begins with, but for bit 31 of a shadow VMCS's
bool vmx_vmcs_launched(const struct cpu *cpu, uint64_t vmcs, bool *launched);
// All FIELD_COUNT fields of a VMCS that is kept on the processor, in the order of enum vmcs_field. NULL: it is not.
const uint64_t *vmx_vmcs_fields(const struct cpu *cpu, uint64_t vmcs);

// A guest-physical mapping that the processor remembers, 28.4.1.
struct vmx_mapping {
    bool valid;
    uint64_t eptp; // bits 51:12
    uint64_t guest_physical, physical;
    bool read, write, execute;
};
bool vmx_mapping(const struct cpu *cpu, unsigned index, struct vmx_mapping *out); // false past the last one

#endif
