// VM entries that failed, and what is to be remarked about VM exits, as facts. SDM Vol.
// 3C, 26.1, 26.4, 26.8, 25.5.2, 30.4.
#ifndef MONITOR_CAUSES_ENTRY_H
#define MONITOR_CAUSES_ENTRY_H
#include "devices/history/history.h"
#include "monitor/explain/fact.h"

// The rules of vmx/entry/check.def that failed then, as far as the failure is of their kind.
unsigned failure_facts(const struct history_failure *failure, struct fact *facts, unsigned max);
// The entry of the MSR-load area that could not be loaded: the rule of the area, or of the MSR. At most one.
unsigned entry_msr_facts(const struct cpu *cpu, const struct history_failure *failure, struct fact *facts,
                         unsigned max);
// A VM-instruction error that is no check of a field: what the launch state was, or what blocked. At most one.
unsigned entry_error_facts(const struct cpu *cpu, const struct history_failure *failure, unsigned error,
                           struct fact *facts, unsigned max);
// An exit that came instead of another, or says less than it could.
unsigned exit_remark_facts(const struct cpu *cpu, const struct history_exit *exit, struct fact *facts, unsigned max);

#endif
