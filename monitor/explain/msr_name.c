// Model-specific registers by name: the rows of cpu/system/msr.def, the local APIC's base and deadline, and the
// capability MSRs of VT-x (SDM Vol. 3D, Appendix A).
#include "monitor/explain/msr_name.h"

static const struct msr_name names[] = {
#define MSR(address, name, feature, read, write) {#name, address},
#include "cpu/system/msr.def"
#undef MSR
    {"IA32_APIC_BASE", 0x1b},
    {"IA32_FEATURE_CONTROL", 0x3a},
    {"IA32_VMX_BASIC", 0x480},
    {"IA32_VMX_PINBASED_CTLS", 0x481},
    {"IA32_VMX_PROCBASED_CTLS", 0x482},
    {"IA32_VMX_EXIT_CTLS", 0x483},
    {"IA32_VMX_ENTRY_CTLS", 0x484},
    {"IA32_VMX_MISC", 0x485},
    {"IA32_VMX_CR0_FIXED0", 0x486},
    {"IA32_VMX_CR0_FIXED1", 0x487},
    {"IA32_VMX_CR4_FIXED0", 0x488},
    {"IA32_VMX_CR4_FIXED1", 0x489},
    {"IA32_VMX_VMCS_ENUM", 0x48a},
    {"IA32_VMX_PROCBASED_CTLS2", 0x48b},
    {"IA32_VMX_EPT_VPID_CAP", 0x48c},
    {"IA32_VMX_TRUE_PINBASED_CTLS", 0x48d},
    {"IA32_VMX_TRUE_PROCBASED_CTLS", 0x48e},
    {"IA32_VMX_TRUE_EXIT_CTLS", 0x48f},
    {"IA32_VMX_TRUE_ENTRY_CTLS", 0x490},
    {"IA32_VMX_VMFUNC", 0x491},
    {"IA32_TSC_DEADLINE", 0x6e0},
};
enum { NAMES = sizeof names / sizeof *names };

const struct msr_name *msr_name_at(unsigned index) { return index < NAMES ? &names[index] : NULL; }

const char *msr_name(uint32_t address) {
    for (unsigned i = 0; i < NAMES; i++)
        if (names[i].address == address) return names[i].name;
    return NULL;
}

bool msr_peek(const struct machine *machine, const struct cpu *cpu, uint32_t address, uint64_t *value) {
    return msr_name(address) && machine_msr(machine, cpu->id, address, value);
}
