// What VT-x did since the monitor is attached: the last exits, entries, failures and faults of each processor, a ring
// of events, each VMCS as it was at the last entry with it, and what guests wrote into VMCSs of their own. Kept by an
// observer: no state of the machine, and nothing of it decides anything.
#ifndef MONITOR_HISTORY_H
#define MONITOR_HISTORY_H
#include "cpu/watch/observe.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"

struct monitor;

enum { HISTORY_EVENTS = 512, HISTORY_VMCSS = 8, HISTORY_VMCS12S = 16, HISTORY_FAILURES = 8, HISTORY_CHAIN = 6 };

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
};
struct history_event {
    uint8_t kind, vector, type, processor; // type: of Table 24-16
    uint8_t level;
    bool has_error_code;
    uint32_t error_code;
    uint32_t reason; // VECTORING: of the exit that cut it short
    uint64_t step, rip, vmcs;
    uint64_t since; // REINJECTS, REPLACES, LOST: the step of the exit
};

struct history_exit {
    uint64_t step, rip, vmcs, qualification, linear, physical;
    uint32_t reason, interruption, error_code, vectoring;
    unsigned level;
    uint64_t gpr[16];
};
// The same exit again and again.
struct history_loop {
    struct history_exit exit;
    uint64_t times; // in a row without progress, the first not counted
    uint64_t first_step, entry_step, entry_rip;
};

struct history_failure {
    uint64_t step, rip, vmcs, qualification;
    uint32_t number; // as the sight has it
    unsigned count;  // of rules that fail; the first of them:
    struct vmx_failure rule[HISTORY_FAILURES];
};

struct history_fault {
    uint64_t step, rip, value, information;
    unsigned level;
    uint32_t vector;
};

struct history_cpu {
    bool has_exit, has_failure, has_fault, has_triple;
    unsigned exit_level; // loop[exit_level].exit is the last exit
    struct history_loop loop[VMX_LEVELS];
    struct history_failure failure;
    struct history_fault fault, triple;
    struct history_fault chain[HISTORY_CHAIN]; // of faults of the same step, the last one first
    unsigned chain_count;
    struct owed {
        bool valid;
        struct history_event event;
    } owed[VMX_LEVELS];
    // A VMREAD of a guest that exits: the register gets its value from whoever runs the guest.
    bool reads;
    unsigned read_gpr, read_field;
    // The VMCS that the guest at `twelve_level` has loaded, as long as it executes VMREAD and VMWRITE only.
    struct history_vmcs12 *twelve;
    unsigned twelve_level;
};

// A VMCS as it was at the last entry with it.
struct history_vmcs {
    uint64_t pointer, step, used;
    unsigned level;
    uint64_t field[FIELD_COUNT];
};

// A VMCS that a guest uses for a guest of its own: what it wrote, and what it was shown.
enum { VMCS12_WRITTEN = 1, VMCS12_READ = 2 };
struct history_vmcs12 {
    bool used;
    unsigned level; // of the guest that uses it
    uint64_t pointer, when;
    uint8_t known[FIELD_COUNT];
    uint64_t field[FIELD_COUNT];
};

struct history {
    struct monitor *monitor;
    struct observer observer;
    bool alone;         // there is one processor
    size_t field_bytes; // of a VMCS: not known to the compiler, which copies best by the C library then
    uint64_t clock;
    uint64_t events; // in all; the last HISTORY_EVENTS of them are kept:
    struct history_event event[HISTORY_EVENTS];
    uint64_t lost;
    struct history_vmcs vmcs[HISTORY_VMCSS], *latest; // latest: of the last entry
    struct history_vmcs12 vmcs12[HISTORY_VMCS12S];
    struct history_cpu cpu[]; // one a processor
};

// From now on; without effect when it is watched already.
void history_watch(struct monitor *monitor);
void history_free(struct monitor *monitor);
// NULL after an error: this processor has no VT-x, or memory is short. Begins to watch if nobody does.
struct history *history_of(struct monitor *monitor);
// NULL: no entry with it was seen.
const struct history_vmcs *history_entry(const struct history *history, uint64_t vmcs);
const struct history_vmcs12 *history_vmcs12(const struct history *history, unsigned level, uint64_t pointer);

// --- history_event.c ---
void history_event_exit(struct history *history, struct cpu *cpu, const struct history_exit *exit);
// An event is owed.
void history_event_entry(struct history *history, struct cpu *cpu, const struct sight *sight, uint64_t step);
void history_event_seen(struct history *history, struct cpu *cpu, const struct sight *sight, uint64_t step);

// --- history_vmcs12.c ---
void history_vmcs12_exit(struct history *history, struct cpu *cpu, const struct sight *sight, unsigned level);
void history_vmcs12_entry(struct history *history, struct cpu *cpu);

#endif
