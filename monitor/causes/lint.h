// What is legal but seldom meant, of the current VMCS and of what was done with it: the rows of lint.def.
#ifndef MONITOR_CAUSES_LINT_H
#define MONITOR_CAUSES_LINT_H
#include "devices/machine/machine.h"
#include "monitor/explain/fact.h"

// A fact for each remark, with its hint; none without a current VMCS. The number of them.
unsigned lint_facts(struct machine *machine, unsigned processor, struct fact *facts, unsigned max);

#endif
