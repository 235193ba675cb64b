// VT-x as the floor above sees it: attach it to a processor, count what it did, ask it why. SDM Vol. 3C.
// cpu/ knows nothing of this header: VT-x reaches it through struct extension, struct intercepts and second_stage.
#ifndef VMX_VMX_H
#define VMX_VMX_H
#include "cpu/state/cpu.h"
#include "cpu/decode/insn.h"
#include "cpu/state/state.h"

// Gives VT-x to a processor (sets cpu->extension) or takes it away. False when memory is short. A model without
// FEATURE_VMX may be attached too: its decoder simply has none of vmx_rows.
bool vmx_attach(struct cpu *cpu);
void vmx_detach(struct cpu *cpu);
// The processors of a machine know the same VMCSs, and have one past.
void vmx_share(struct cpu *cpu, const struct cpu *with);

extern const struct row_set vmx_rows;      // vmx/insn/insn.def, for decoder_new
extern const struct state_table vmx_state; // over cpu->extension->state
// A field (enum vmcs_field) of a VMCS among the bytes that vmx_state saves. False: the processor did not keep it then.
bool vmx_vmcs_saved(const uint8_t *saved, uint64_t vmcs, unsigned field, uint64_t *value);
// Derived state: forget what was concluded from the VMCSs; after state_load over vmx_state, always.
void vmx_drop_derived(struct cpu *cpu);

// --- levels: 0 is VMX root operation (and everything before VMXON), 1 its guests, 2 the guests of those, and so on ---
// Found by watching (vmx/level/level.c). What runs below level 8 is counted as level 8.
enum { VMX_LEVELS = 9, VMX_REASONS = 70 };
unsigned vmx_level(const struct cpu *cpu);
// Whether an external interrupt would leave VMX non-root operation now, whatever RFLAGS.IF says.
bool vmx_interrupt_exits(const struct cpu *cpu);

// The guest of a level: for the levels below the one that runs, its hypervisors; else the one that ran last.
struct vmx_level_info {
    unsigned level;
    bool running;
    uint64_t vmcs;     // that its hypervisor runs it with, in the hypervisor's physical memory; ~0: not known
    uint64_t current;  // that it loaded last for a guest of its own, in its physical memory; ~0: none, or not known
    uint64_t hardware; // that the processor ran it with last; from level 2 on guests share one
    bool in_hardware;  // and which still has this guest's state: no other guest ran with it since
};
bool vmx_level_info(const struct cpu *cpu, unsigned level, struct vmx_level_info *out); // false: there is none
// A field of the VMCS that the guest of this level ran with last, as its last VM exit left it.
bool vmx_level_read(const struct cpu *cpu, unsigned level, unsigned field,
                    uint64_t *value); // false: not known any more
// For those who save a machine and go on with it: no part of its state, but levels are known from the start then.
extern const struct state_table vmx_level_state;     // over vmx_levels(cpu), once for a machine
extern const struct state_table vmx_level_run_state; // over cpu->extension->state
extern const struct state_table vmx_count_state;     // the same
void *vmx_levels(const struct cpu *cpu);

// --- counters, for --stats; no part of the architectural state ---
uint64_t vmx_exit_count(const struct cpu *cpu, unsigned level, unsigned basic_reason); // VM exits out of `level`
uint64_t vmx_exit_cycles(const struct cpu *cpu, unsigned level,
                         unsigned basic_reason);                  // from these exits to the next entry
uint64_t vmx_entry_count(const struct cpu *cpu, unsigned level);  // VM entries into `level`
uint64_t vmx_failed_entry_count(const struct cpu *cpu);           // VMfail 7 and 8
uint64_t vmx_level_steps(const struct cpu *cpu, unsigned level);  // spent in the level itself
uint64_t vmx_level_cycles(const struct cpu *cpu, unsigned level); // the same with idle cycles
const char *vmx_exit_name(unsigned basic_reason);                 // "EPT_VIOLATION"; NULL: no such reason
const char *vmx_exit_text(unsigned basic_reason);                 // in the manual's words
const char *vmx_error_text(unsigned number);                      // VM-instruction error
const char *vmx_abort_text(unsigned indicator);                   // VMX abort

// --- the VM-entry checks, explained (vmx/entry/check.def) ---
enum { VMX_READS = 12 };
// Where a value lives that a rule read.
enum vmx_read_space {
    VMX_READ_STATE,   // of VT-x or of the processor's mode, in no one place
    VMX_READ_FIELD,   // of the VMCS; number: enum vmcs_field
    VMX_READ_CONTROL, // a bit of such a field
    VMX_READ_MEMORY,  // number: physical address
};
struct vmx_read {
    const char *what; // as written in the row: "field(GUEST_CR0)"
    uint64_t value;
    uint8_t space, bytes, bit; // enum vmx_read_space; of memory; of a control
    uint64_t number;
    uint64_t needed, mask; // what the rule wants of the bits of `mask`; 0: of none by itself
    uint8_t source;        // enum vmx_want: from where that is known
};
enum vmx_want {
    WANT_NOTHING,
#define WANT(name, where) WANT_##name,
#include "vmx/vmcs/want.def"
#undef WANT
    WANTS
};
const char *vmx_want_text(unsigned want); // NULL: nothing
struct vmx_reads {
    unsigned count;
    struct vmx_read read[VMX_READS];
};
struct vmx_failure {
    unsigned number; // of the row
    const char *name, *section, *section_title;
    const char *when, *must; // as written in the row
    const char *text;        // the manual's words
    const char *hint;        // vmx/entry/hint.def: what is likely meant; NULL: none
    unsigned hint_number;    // its row and 1; 0: none
    unsigned outcome;        // VM-instruction error 7 or 8, or exit reason 33
    struct vmx_reads reads;
};
// Runs every check on the current VMCS without entering and describes up to `max` failing rows; returns how many fail.
unsigned vmx_explain_checks(const struct cpu *cpu, struct vmx_failure *failures, unsigned max);
// The same of the rule `index` of those that failed at that entry, as they were then. False: past the last that is
// kept.
struct history_failure;
bool vmx_explain_failure(const struct history_failure *past, unsigned index, struct vmx_failure *failure);
unsigned vmx_check_count(void);
const char *vmx_check_name(unsigned number);
// For the test of vmx/entry/group.def: a field that this check reads on the current VMCS although its group does not
// say so.
const char *vmx_check_stray_read(const struct cpu *cpu, unsigned number);

#endif
