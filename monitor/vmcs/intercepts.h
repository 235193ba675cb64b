// What of a guest would exit now, with the VMCS that it runs with: asked by the processor's own rules
// (vmx/ask/exits.def). SDM Vol. 3C, 24.6, 25.1, 25.2.
#ifndef MONITOR_EXPLAIN_INTERCEPTS_H
#define MONITOR_EXPLAIN_INTERCEPTS_H
#include "monitor/explain/fact.h"
#include "vmx/ask/ask.h"
#include "vmx/ask/rules.h"

struct guest_rules {
    struct vmcs vmcs; // as it is now
    struct ask ask;
};
// False: there is no VT-x, or the VMCS cannot be read.
bool guest_rules_of(const struct cpu *cpu, uint64_t vmcs, struct guest_rules *guest);
bool guest_control(const struct guest_rules *guest, unsigned group,
                   unsigned bit); // with what depends on another control

// A fact for each rule of the list of what exits with a control, which is its value: it holds if the control is 1; and
// for what always exits, without a value. The number of facts.
unsigned intercept_facts(const struct guest_rules *guest, struct fact *facts, unsigned max);
// What makes an instruction ("RDTSCP") an invalid opcode for the guest, each with its control: it holds while that is
// 0.
unsigned undefined_facts(const struct guest_rules *guest, const char *instruction, struct fact *facts, unsigned max);

// Whether these exit.
bool port_exits(const struct guest_rules *guest, uint16_t port);
bool msr_access_exits(const struct guest_rules *guest, uint32_t index, bool write);
bool vmcs_access_exits(const struct guest_rules *guest, uint32_t encoding, bool write);

// Page faults: never, always, or if (error code & mask) is, or is not, `match`.
struct page_fault_exits {
    enum { PAGE_FAULTS_NEVER, PAGE_FAULTS_ALWAYS, PAGE_FAULTS_MATCH, PAGE_FAULTS_NO_MATCH } which;
    uint64_t mask, match;
};
struct page_fault_exits page_fault_exits(const struct guest_rules *guest);

// Which rule makes an exit happen, by what it reported and the VMCS as it is now: facts with the values that decide.
// The first one is the rule; it holds if it can be seen to hold still. The number of facts: 0: there is no such rule.
struct history_exit;
unsigned exit_facts(const struct cpu *cpu, const struct history_exit *exit, struct fact *facts, unsigned max);

#endif
