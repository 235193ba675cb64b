// The rows of refuse.def as the bodies of the instructions ask them. `cpu`, `vmx`, `vmcs`, `operand` and `type` are
// what their conditions are about.
#ifndef VMX_REFUSAL_WORDS_H
#define VMX_REFUSAL_WORDS_H
#include "cpu/memory/access.h"
#include "vmx/ask/ask.h"
#include "vmx/insn/instruction.h"
#include "vmx/insn/refusal.h"
#include "vmx/vmcs/vmcs.h"

enum { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum { INVVPID_ADDRESS, INVVPID_SINGLE, INVVPID_ALL, INVVPID_RETAINING_GLOBALS };
#define FEATURE_CONTROL_LOCK BIT(0)
#define FEATURE_CONTROL_VMX BIT(2)

// The groups of rows that are asked together, in their order.
enum refusal_group {
    REFUSES_VMXON,
    REFUSES_VMXON_POINTER,
    REFUSES_VMXON_AGAIN,
    REFUSES_ANY,
    REFUSES_PRIVILEGE,
    REFUSES_VMCLEAR,
    REFUSES_VMPTRLD,
    REFUSES_ACCESS,
    REFUSES_INVEPT,
    REFUSES_INVEPT_EPTP,
    REFUSES_INVVPID,
    REFUSES_INVVPID_VPID,
    REFUSES_INVVPID_ADDRESS,
    REFUSES_VMCALL,
    REFUSES_VMFUNC,
};

// --- the words of the rows ---
#define revision_at(address) physical_load(cpu, address, 32)
#define eptp_good(eptp) refusal_eptp_good(cpu, eptp)
#define address_canonical(address) refusal_canonical(cpu, address)
#define shadowing() (vmx->capability.allowed1[GROUP_PROC2] >> PROC2_VMCS_SHADOWING & 1)

static inline bool refusal_eptp_good(const struct cpu *cpu, uint64_t eptp) {
    const struct ask ask = ask_about(cpu);
    return ask_eptp(&ask, eptp);
}
static inline bool refusal_canonical(const struct cpu *cpu, uint64_t address) {
    unsigned bits = cpu->wire.model->linear_bits;
    return (uint64_t)((int64_t)(address << (64 - bits)) >> (64 - bits)) == address;
}

// The first row of a group that refuses, or REFUSAL_NONE.
ALWAYS_INLINE int refusal_first(struct cpu *cpu, enum refusal_group wanted, uint64_t operand, uint64_t type,
                                const struct vmcs *vmcs) {
    const struct vmx *vmx = vmx_of(cpu);
    (void)operand, (void)type, (void)vmcs, (void)vmx;
#define REFUSES(group, name, how, when, given, found, section, text)                                                   \
    if (REFUSES_##group == wanted && unlikely(when)) return REFUSAL_##name;
#include "vmx/insn/refuse.def"
#undef REFUSES
    return REFUSAL_NONE;
}

// Remembers the refusal and carries it out: the fault, or the flags and the VM-instruction error. (refusal.c)
enum outcome refusal_carry_out(struct cpu *cpu, const struct op *op, int row, uint64_t operand, uint64_t type);

// In a body: returns from it when a row of the group refuses.
#define REFUSE_IF(group, given, kind, from)                                                                            \
    do {                                                                                                               \
        int refusal_ = refusal_first(cpu, REFUSES_##group, given, kind, from);                                         \
        if (unlikely(refusal_ != REFUSAL_NONE)) return refusal_carry_out(cpu, op, refusal_, given, kind);              \
    } while (0)

#endif
