// Exceptions as facts: which one it was, what its error code says, and what makes an instruction an invalid opcode;
// how a triple fault came about. SDM Vol. 3A, 4.7, 6.13, 6.15; Vol. 3C, 25.3.
#ifndef MONITOR_FAULTS_FAULT_H
#define MONITOR_FAULTS_FAULT_H
#include "devices/history/history.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/view.h"

// The exception, which is the first fact, and the bits of its error code, which hold when they are 1 and follow from it
// (`because` is 0). At least one, when `max` is not 0.
unsigned fault_facts(const struct history_fault *fault, struct fact *facts, unsigned max);
// The exception again, and what brought it about, with the registers as they were then and memory as it is now: a
// control that is 0, an MSR or bit that is not there, an entry of a table. `view` is that of the level.
unsigned fault_cause_facts(const struct history_fault *fault, const struct view *view, struct fact *facts,
                           unsigned max);
// Why its delivery through the IDT cannot work: the gate of its vector. None: the gate is good.
unsigned delivery_facts(const struct history_fault *fault, const struct view *view, struct fact *facts, unsigned max);
// A VMX instruction other than a VM entry that was refused: the rule of vmx/insn/refuse.def, and what was found.
unsigned refusal_facts(const struct history_refusal *refusal, struct fact *facts, unsigned max);
// The exceptions one after the other, each because of the one before; at last the one that no handler was left for.
unsigned triple_facts(const struct history_cpu *past, struct fact *facts, unsigned max);

// A VMX instruction of a guest that failed as its hypervisor tells it: that is the first fact; then the rules of
// vmx/insn/refuse.def by which the instruction fails so, which may or may not be it.
unsigned told_facts(const struct history_told *told, struct fact *facts, unsigned max);

// --- error_code.c: adds what it finds, and gives the number of facts then ---
enum { PAGE_FAULT_BITS = 32 };
unsigned page_fault_code_facts(uint64_t code, struct fact *facts, unsigned count, unsigned max);
// Of an error code that is about a segment: bits EXT, IDT, TI, and the index, which hold when they are not 0.
unsigned selector_code_facts(uint64_t code, struct fact *facts, unsigned count, unsigned max);

#endif
