// What is known about the past of a machine, from its first step on, whoever looks on or does not: what VT-x did
// (vmx/history/history.h) and which level does what (vmx/vmcs/vmx.h). devices/snapshot/follower.h saves it and puts it
// back.
#ifndef DEVICES_HISTORY_H
#define DEVICES_HISTORY_H
#include "devices/machine/machine.h"
#include "vmx/history/history.h"

// Of all processors; of one. NULL: the processor has no VT-x, or there is no such processor.
const struct history *machine_history(struct machine *machine);
const struct history_cpu *machine_history_cpu(struct machine *machine, unsigned processor);
// The last VM exit of the processor, from whatever level. NULL: there was none.
const struct history_exit *history_last_exit(const struct history_cpu *past);

#endif
