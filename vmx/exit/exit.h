// VMX non-root operation and how it ends. SDM Vol. 3C, chapters 25 and 27.
#ifndef VMX_EXIT_H
#define VMX_EXIT_H
#include "vmx/vmcs/vmcs.h"

// --- vmx/exit/root.c ---
void establish_root(struct cpu *cpu);
void init_unblock(struct cpu *cpu);

// --- vmx/exit/non_root.c: what the controls mean for the processor ---
void establish_non_root(struct cpu *cpu);

// --- vmx/exit/intercept.c, vmx/exit/events.c, vmx/exit/boundary.c: the functions of struct intercepts ---
enum outcome intercept_check(struct cpu *cpu, const struct op *op, enum intercept what,
                             union intercept_operand operand);
enum outcome intercept_event(struct cpu *cpu, const struct event *event);
enum outcome intercept_shutdown(struct cpu *cpu);
enum outcome intercept_poll(struct cpu *cpu);

// --- vmx/exit/exit.c ---
enum outcome exit_carry_out(struct cpu *cpu);
enum outcome exit_to_host(struct cpu *cpu, uint32_t reason); // the part a failed VM entry shares
enum outcome vmx_abort(struct cpu *cpu, enum vmx_abort indicator);

// --- vmx/exit/save.c, vmx/exit/host_state.c ---
void save_guest_state(struct cpu *cpu, bool delivering);
bool load_host_state(struct cpu *cpu);             // false: invalid PDPTEs
void load_rflags(struct cpu *cpu, uint64_t image); // VM entry does it alike

// --- vmx/exit/msr_area.c ---
uint64_t msr_area_load(struct cpu *cpu, uint64_t address, uint64_t count); // 0, or the failing entry from 1
bool msr_area_store(struct cpu *cpu, uint64_t address, uint64_t count);

// What VM entry and VM exit have in common of the guest's state.
#define CR0_UNCHANGED (CR0_ET | CR0_NW | CR0_CD | BITS(15, 6) | BIT(17) | BITS(28, 19)) // 26.3.2.1, 27.5.1
#define RIGHTS_SAVED (BITS(7, 0) | BITS(16, 12))                                        // of segments' access rights
ALWAYS_INLINE bool pae_paging_of(const struct control_registers *c) {
    return c->cr0 & CR0_PG && c->cr4 & CR4_PAE && !(c->efer & EFER_LMA);
}
// Fields of the segment registers stand in the order of enum segment_register.
_Static_assert(FIELD_GUEST_TR_SELECTOR - FIELD_GUEST_ES_SELECTOR == TR - ES, "selectors");
_Static_assert(FIELD_GUEST_TR_LIMIT - FIELD_GUEST_ES_LIMIT == TR - ES, "limits");
_Static_assert(FIELD_GUEST_TR_RIGHTS - FIELD_GUEST_ES_RIGHTS == TR - ES, "access rights");
_Static_assert(FIELD_GUEST_TR_BASE - FIELD_GUEST_ES_BASE == TR - ES, "bases");
_Static_assert(FIELD_GUEST_PDPTE3 - FIELD_GUEST_PDPTE0 == 3, "PDPTEs");

#endif
