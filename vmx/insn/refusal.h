// Why a VMX instruction other than a VM entry fails or faults: the rows of refuse.def, for the bodies of the
// instructions, which ask before they do anything, and for what explains it. SDM Vol. 3C, 30.3.
#ifndef VMX_REFUSAL_H
#define VMX_REFUSAL_H
#include "cpu/state/cpu.h"

enum refusal {
#define REFUSES(instruction, name, how, when, operand, found, section, text) REFUSAL_##name,
#include "vmx/insn/refuse.def"
#undef REFUSES
    REFUSAL_COUNT,
    REFUSAL_NONE = -1,
};

enum refusal_how { REFUSES_UD, REFUSES_GP, REFUSES_INVALID, REFUSES_VALID };
struct refusal_row {
    const char *name, *instruction; // "vmclear_width", "VMCLEAR"
    const char *when, *text;        // as written in the row; the manual's words
    const char *operand;            // what the instruction was given: "pointer"; "": nothing that counts
    const char *found;              // what was in the way beside it: "CR4"; "": nothing
    uint8_t how, error, section;    // enum refusal_how; VM-instruction error; enum section
};
const struct refusal_row *refusal_row(unsigned index); // NULL past the last row

#endif
