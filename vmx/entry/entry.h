// VM entry. SDM Vol. 3C, chapter 26.
#ifndef VMX_ENTRY_H
#define VMX_ENTRY_H
#include "vmx/ask/ask.h"

// What VM entry loads into the processor's registers, but for what the MSR-load area says.
struct cpu_image {
    struct control_registers control;
    struct model_specific_registers msr;
    struct segment segment[TR + 1];
    uint64_t segment_base[TR + 1];
    struct descriptor_table gdtr, idtr;
    uint64_t rsp, rip, rflags;
};

enum { ENTRY_ALLOWED = -1 };
// Would VM entry with this VMCS fail? ENTRY_ALLOWED, or the number of the first row of check.def that fails, which
// check_outcome and vmx_check_name tell of. `would`: the exit reason field and qualification of a failure after the
// controls and the host state were found good; reason 0 otherwise. `loaded`: what it loads if no row fails. Either may
// be NULL. What the MSR-load area does is not asked: it depends on what WRMSR would do.
int ask_entry(const struct ask *ask, struct exit_record *would, struct cpu_image *loaded);
// VM-instruction error 7 or 8, or basic exit reason 33.
unsigned check_outcome(unsigned row);

// --- vmx/entry/entry.c ---
// Why VMLAUNCH or VMRESUME, which is permitted, fails before anything is checked: a VM-instruction error, 0:
// VMfailInvalid, or ENTRY_ALLOWED.
int entry_refused(const struct cpu *cpu, const struct op *op, bool launch);
// Carries the VM entry out. *error: VM-instruction error with which it fails, 0: it does not. The outcome is that of
// the entry or of the VM exit that comes of it.
enum outcome entry_carry_out(struct cpu *cpu, const struct op *op, bool launch, unsigned *error);

// --- vmx/entry/check.c: what was found good is not checked again until a field of it is written ---
int check_controls_and_host(struct cpu *cpu, unsigned *error); // the first failing row, or ENTRY_ALLOWED
int check_guest(struct cpu *cpu, uint64_t *qualification);

// --- vmx/entry/explain.c: which rules failed at an entry, for the record of it ---
struct history_failure;
void explain_failure(struct cpu *cpu, struct history_failure *failure);

// --- vmx/entry/load.c, vmx/entry/non_register.c, vmx/entry/inject.c ---
void load_guest_state(struct cpu *cpu);
void image_load(const struct ask *ask, struct cpu_image *image);
void load_non_register_state(struct cpu *cpu);
enum outcome inject_event(struct cpu *cpu); // OUT_OK also when there is none

#endif
