// What brought an exception about: the rows of fault_rule.def, and those of the processor's own tables of MSRs, control
// registers and VMX instructions, asked of the registers as they were then.
#ifndef MONITOR_FAULTS_FAULT_RULES_H
#define MONITOR_FAULTS_FAULT_RULES_H
#include "cpu/decode/insn.h"
#include "devices/history/history.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/view.h"

// The level of a view with the registers that it had when the exception came up: `then` is made of `now`.
void view_at_fault(const struct view *now, const struct history_fault *fault, struct view *then);
// The instruction at an address of the view. False: there is none, or it cannot be read.
bool view_instruction(const struct view *view, uint64_t rip, struct insn *insn);
// Adds a fact for each rule that holds; the number of facts then. `insn` NULL: the bytes are no instruction.
unsigned fault_rule_facts(const struct history_fault *fault, const struct view *then, const struct insn *insn,
                          struct fact *facts, unsigned count, unsigned max);
// RDMSR, WRMSR and MOV to control registers: which register, which bits, which rule.
unsigned register_rule_facts(const struct history_fault *fault, const struct view *then, const struct insn *insn,
                             struct fact *facts, unsigned count, unsigned max);
// Why an MSR cannot be read or written: one fact, or none.
unsigned msr_facts(const struct cpu *cpu, uint32_t index, bool write, uint64_t value, struct fact *facts,
                   unsigned count, unsigned max);

#endif
