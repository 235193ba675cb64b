// What VT-x did since the machine was made: the last exits, entries, failures and faults of each processor, a ring of
// events, each VMCS as it was at the last entry with it, and what guests wrote into VMCSs of their own. Written down
// where it happens (vmx/history/*.c), with what is at hand there; what can be worked out from it is worked out when
// somebody asks. No architectural state: nothing of it decides anything a guest can see. But it follows from the run
// alone, and whoever saves a machine to go on with it later may save this with it: plain data, without pointers.
#ifndef VMX_HISTORY_H
#define VMX_HISTORY_H
#include "cpu/state/cpu.h"
#include "cpu/state/state.h"
#include "vmx/history/cost.h"
#include "vmx/vmcs/names.h"
#include "vmx/vmcs/origin.h"

enum {
    HISTORY_EVENTS = 512,
    HISTORY_VMCSS = 8,
    HISTORY_VMCS12S = 16,
    HISTORY_ORIGINS = 12,
    HISTORY_RULES = 8,
    HISTORY_READS = 12,
    HISTORY_NAME = 48,
    HISTORY_CHAIN = 6,
    HISTORY_REFUSALS = 4,
    HISTORY_CLEARED = 64,
    HISTORY_LEVELS = 9, // VMX_LEVELS
};

enum event_kind {
    EVENT_DELIVERED_INTERRUPT, // by the processor, through the IDT
    EVENT_DELIVERED_EXCEPTION,
    EVENT_INJECTS,   // VM entry delivers it
    EVENT_INTERRUPT, // arrived as a VM exit
    EVENT_TAKEN,     // exception or NMI that became a VM exit
    EVENT_VECTORING, // its delivery was cut short by a VM exit: IDT-vectoring information is valid
    EVENT_REINJECTS, // the entry after that delivers it again
    EVENT_REPLACES,  // the entry after that delivers something else
    EVENT_LOST,      // the entry after that delivers nothing
    EVENT_AGAIN,     // the same for an event that the instruction at RIP brings about again
    EVENT_WINDOW,    // interrupt or NMI window
    EVENT_TRIPLE,
    EVENT_UNKNOWN,        // an interrupt made a VM exit that did not acknowledge it: its vector is not known
    EVENT_SIPI_DISCARDED, // it came to a processor that does not wait for one
    EVENT_INIT_HELD,      // it came in VMX root operation, or in the wait-for-SIPI state of a guest
    EVENT_KINDS,
};
struct history_event {
    uint8_t kind, vector, type, level; // type: of Table 24-16
    uint8_t processor, has_error_code;
    uint16_t spare;
    uint32_t error_code;
    uint32_t reason; // VECTORING: of the exit that cut it short
    uint64_t step, rip, vmcs;
    uint64_t since; // REINJECTS, REPLACES, LOST: the step of the exit
};

struct history_exit {
    uint64_t step, rip, vmcs, qualification, linear, physical;
    uint32_t reason, interruption, error_code, vectoring;
    uint32_t level, spare;
    uint64_t gpr[16];
};
// The same exit again and again.
struct history_loop {
    struct history_exit exit;
    uint64_t times; // in a row without progress, the first not counted
    uint64_t first_step, entry_step, entry_rip;
};

// A rule that failed at a VM entry, and what it read.
struct history_rule {
    uint64_t number; // of vmx/entry/check.def
    uint64_t reads;
    uint64_t hint; // of vmx/entry/hint.def, and 1; 0: none
    struct history_read {
        char what[HISTORY_NAME]; // "field(GUEST_CR0)"
        uint64_t value, number;  // as in struct vmx_read
        uint64_t needed, mask;
        uint8_t space, bytes, bit, source, spare[4];
    } read[HISTORY_READS];
};
struct history_failure {
    uint64_t step, rip, vmcs, qualification;
    uint64_t msr, value; // of the entry of the MSR-load area that could not be loaded
    uint32_t number;     // VM-instruction error, or exit reason with bit 31
    uint32_t count;      // of rules that failed; the first of them:
    struct history_rule rule[HISTORY_RULES];
};

// An exception, and the processor as it was when the exception came up.
enum { FAULT_INJECTED = 1 /* by a VM entry */, FAULT_EXITED = 2 /* caused a VM exit instead of being delivered */ };
struct history_fault {
    uint64_t step, rip, value, information; // the CR2 or DR6 bits, the error code
    uint32_t level, vector;
    uint64_t flags; // FAULT_
    uint64_t gpr[16], rflags, cr0, cr3, cr4, efer, idtr_base, gdtr_base;
    uint64_t segment_base[6];
    uint32_t segment_limit[6], segment_rights[6];
    uint16_t selector[6], idtr_limit, gdtr_limit;
};

// A VMX instruction other than a VM entry that failed, or faulted by a rule of VT-x.
struct history_refusal {
    uint64_t step, rip, vmcs, operand, found; // of the first in a row by the same rule
    uint64_t times, last_step, last_rip;      // how many these were, the last one
    uint32_t row, level;                      // of vmx/insn/refuse.def
};

struct history_owed {
    uint64_t valid;
    struct history_event event;
};

// A VMX instruction of a guest that failed, as its hypervisor tells it: by the flags with which the guest goes on.
struct history_told {
    uint64_t step, rip, flags; // CF: VMfailInvalid; ZF: VMfailValid
    uint64_t times;            // in a row at the same place
    uint32_t reason, level;    // of the VM exit: which instruction
};

// Of one processor.
struct history_cpu {
    uint32_t has_exit, has_failure, refusals, has_triple;
    uint32_t exit_level; // loop[exit_level].exit is the last exit
    uint32_t chain_count;
    uint32_t entered; // the place of the VMCS of the last entry
    // A VMREAD of a guest that exits: the register gets its value from whoever runs the guest.
    uint32_t reads, read_gpr, read_field;
    // The VMCS that the guest at `twelve_level` has loaded, as long as it executes VMREAD and VMWRITE only: its place
    // and 1; 0: none.
    uint32_t twelve, twelve_level;
    struct history_loop loop[HISTORY_LEVELS];
    struct history_owed owed[HISTORY_LEVELS];
    struct history_fault triple;
    struct history_fault chain[HISTORY_CHAIN]; // of the last faults of the same step, the first one first
    struct history_failure failure;
    struct cost_book cost;
    struct history_refusal refusal[HISTORY_REFUSALS]; // the last of `refusals`
    struct history_told told;                         // the last one; `times` 0: there was none
};

// A VMCS as it was at the last entry with it.
struct history_vmcs {
    uint64_t pointer, step, used, level;
    uint64_t field[FIELD_COUNT];
};

// A VMCS that a guest uses for a guest of its own: what it wrote, and what it was shown.
enum { VMCS12_WRITTEN = 1, VMCS12_READ = 2 };
struct history_vmcs12 {
    uint64_t used, level; // level: of the guest that uses it
    uint64_t pointer, when;
    uint64_t field[FIELD_COUNT];
    uint8_t known[(FIELD_COUNT + 7) & ~7];
    struct vmcs_stamp stamp[FIELD_COUNT];
};

// Of all processors of a machine together.
struct history {
    uint64_t clock;
    uint64_t lost;   // events
    uint64_t events; // in all; the last HISTORY_EVENTS of them are kept:
    struct history_event event[HISTORY_EVENTS];
    struct history_vmcs vmcs[HISTORY_VMCSS];
    struct history_vmcs12 vmcs12[HISTORY_VMCS12S];
    struct vmcs_origin origin[HISTORY_ORIGINS];
    uint64_t cleared[HISTORY_CLEARED], clears; // regions that VMCLEAR was executed for, the last ones
    uint64_t uncleared;                        // the last one that was loaded from memory without; 0: none
    // no state
    unsigned users;
    size_t field_bytes; // of a VMCS: not known to the compiler, which copies best by the C library then
};

// --- for the floor above; NULL: this processor has no VT-x ---
const struct history *vmx_history(const struct cpu *cpu);
const struct history_cpu *vmx_history_cpu(const struct cpu *cpu);
// NULL: no entry with it was seen.
const struct history_vmcs *history_entry(const struct history *history, uint64_t vmcs);
const struct history_vmcs12 *history_vmcs12(const struct history *history, unsigned level, uint64_t pointer);
// Who wrote the field of the VMCS last. NULL: nothing is known of it.
const struct vmcs_stamp *history_stamp(const struct history *history, uint64_t vmcs, unsigned field);
const struct history_refusal *history_refusal(const struct history_cpu *past, unsigned n); // the n-th last; NULL: none
const struct history_fault *history_last_fault(const struct history_cpu *past);            // NULL: there was none
// The n-th of the events that are kept, 0 the last one; NULL: there is none.
const struct history_event *history_event(const struct history *history, uint64_t n);
extern const struct state_table vmx_history_state;     // over vmx_history(cpu), once for a machine
extern const struct state_table vmx_history_cpu_state; // over vmx_history_cpu(cpu)
// After state_load: what cannot be is forgotten, such as places past the last one.
void vmx_history_loaded(struct cpu *cpu);

// --- what the rest of vmx/ tells ---
struct vmx;
bool history_attach(struct vmx *vmx); // false: memory is short
void history_detach(struct vmx *vmx);
void history_share(struct vmx *vmx, const struct vmx *with);
// The processor is about to write into the current VMCS.
void history_origin_begin(struct cpu *cpu, enum vmcs_writer writer);
void history_origin_vmwrite(struct cpu *cpu, const struct op *op, uint64_t pointer, unsigned field);
// While the processor's registers and level are still the guest's, and the VMCS has the exit.
void history_note_exit(struct cpu *cpu);
void history_note_entry(struct cpu *cpu); // after the guest's state was loaded, before an event is injected
// The rules that failed are the caller's to fill in.
struct history_failure *history_note_failure(struct cpu *cpu, const struct op *op, uint32_t number,
                                             uint64_t qualification);
void history_note_refusal(struct cpu *cpu, const struct op *op, unsigned row, uint64_t operand, uint64_t found);
// VMCLEAR of a region; VMPTRLD of one that the processor does not keep yet.
void history_note_cleared(struct cpu *cpu, uint64_t region);
void history_note_loaded(struct cpu *cpu, uint64_t region);
void history_note_injection(struct cpu *cpu, const struct event *event, uint64_t information);
void history_note_delivery(struct cpu *cpu, const struct event *event); // NULL: a triple fault
void history_note_discarded(struct cpu *cpu, enum event_kind kind);     // SIPI_DISCARDED, INIT_HELD

// --- among the files of this room ---
// Steps of the machine: the processor's, with those of its others.
static inline uint64_t history_step(const struct cpu *cpu) { return cpu->time.steps + cpu->wire.other_steps; }
void history_event_exit(struct cpu *cpu, const struct history_exit *exit);
void history_event_entry(struct cpu *cpu, unsigned level, uint64_t step); // an event is owed
void history_vmcs12_exit(struct cpu *cpu, unsigned level);                // of a VMREAD or VMWRITE
void history_vmcs12_entry(struct cpu *cpu, unsigned level);               // a VMREAD was answered

void history_cost_exit(struct cpu *cpu, unsigned level); // of a guest's guest, or while one is being answered
void history_cost_entry(struct cpu *cpu, unsigned level);
void history_origin_loaded(struct vmx *vmx);
void history_cost_loaded(struct cost_book *book);

#endif
