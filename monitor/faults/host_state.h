// A fault of a hypervisor that follows a VM exit: what the exit loaded that cannot have been meant. SDM Vol. 3C, 27.5.
#ifndef MONITOR_FAULTS_HOST_STATE_H
#define MONITOR_FAULTS_HOST_STATE_H
#include "devices/history/history.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/view.h"

// None: the fault is not one of level 0 with nothing but the exit handler before it. Else the first fact is that the
// exit came before, with the steps between; then the rules of host_state.def that hold.
unsigned host_state_facts(const struct view *now, const struct history_cpu *past, const struct history_fault *fault,
                          struct fact *facts, unsigned max);

#endif
