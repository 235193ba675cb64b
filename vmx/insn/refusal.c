// VMX instructions that are refused, remembered and carried out; see refusal.h.
#include "cpu/state/section.h"
#include "vmx/history/history.h"
#include "vmx/insn/refusal_words.h"

#define UD REFUSES_UD, 0
#define GP REFUSES_GP, 0
#define INVALID REFUSES_INVALID, 0
#define VALID(error) REFUSES_VALID, error
#define GIVEN(name) #name
#define NOTHING ""
#define FOUND(name, value) name
#define NO_MORE ""
static const struct refusal_row rows[] = {
#define REFUSES(group, name, how, when, given, found, section, text)                                                   \
    {#name, #group, #when, text, given, found, how, SECTION_##section},
#include "vmx/insn/refuse.def"
#undef REFUSES
};
#undef GIVEN
#undef FOUND
#undef NO_MORE
#define FOUND(name, value) value
#define NO_MORE 0

const struct refusal_row *refusal_row(unsigned index) { return index < REFUSAL_COUNT ? &rows[index] : NULL; }

static uint64_t found_by(struct cpu *cpu, int row, uint64_t operand, uint64_t type) {
    const struct vmx *vmx = vmx_of(cpu);
    (void)operand, (void)type;
    switch (row) {
#define REFUSES(group, name, how, when, given, found, section, text)                                                   \
    case REFUSAL_##name:                                                                                               \
        return found;
#include "vmx/insn/refuse.def"
#undef REFUSES
    default: return 0;
    }
}

enum outcome refusal_carry_out(struct cpu *cpu, const struct op *op, int row, uint64_t operand, uint64_t type) {
    const struct refusal_row *r = &rows[row];
    history_note_refusal(cpu, op, (unsigned)row, operand, found_by(cpu, row, operand, type));
    switch (r->how) {
    case REFUSES_UD: return cpu_fault_ud(cpu);
    case REFUSES_GP: return cpu_fault_gp0(cpu);
    case REFUSES_INVALID: return vmx_fail_invalid(cpu);
    default: return vmx_fail(cpu, (enum vm_instruction_error)r->error);
    }
}
