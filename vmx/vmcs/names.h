// The names of VT-x: fields of a VMCS, controls, exit reasons, each a row of a table. SDM Vol. 3D, Appendix B and C;
// Vol. 3C, 24.6 to 24.8.
#ifndef VMX_NAMES_H
#define VMX_NAMES_H

enum vmcs_field {
#define FIELD(encoding, name, exists, part, text) FIELD_##name,
#include "vmx/vmcs/field.def"
#undef FIELD
    FIELD_COUNT
};

// PIN_NMI_EXITING and so on are bit numbers.
enum {
#define CONTROL(group, bit, name, support, text) group##_##name = (bit),
#include "vmx/vmcs/control.def"
#undef CONTROL
};
enum control_group { GROUP_PIN, GROUP_PROC, GROUP_PROC2, GROUP_EXIT, GROUP_ENTRY, CONTROL_GROUPS };

enum exit_reason {
#define EXIT(number, name, text) EXIT_##name = (number),
#include "vmx/vmcs/exit.def"
#undef EXIT
};

#endif
