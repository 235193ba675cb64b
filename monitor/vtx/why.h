// why: what happened last, explained by its rule.
#ifndef MONITOR_WHY_H
#define MONITOR_WHY_H
#include "devices/history/history.h"
#include "monitor/expression/look.h"
#include "monitor/session/monitor.h"

void why_exit(struct monitor *monitor, const struct history_exit *exit);
void why_failure(struct monitor *monitor, const struct history_failure *failure);
void why_fault(struct monitor *monitor, const struct history_fault *fault);
void why_triple(struct monitor *monitor, const struct history_cpu *c);
void why_lost(struct monitor *monitor, const struct history *history); // the last event that was lost, if any was
// What waits to be delivered to the processor, and what it waits for. Whether there is anything.
bool why_interrupt(struct monitor *monitor);
// The same of the virtual APIC of the guest with this VMCS.
void why_virtual(struct monitor *monitor, uint64_t vmcs);

// "  OUT, port 0x80, 1 byte": the exit qualification by its bits.
void why_qualification(struct monitor *monitor, unsigned reason, uint64_t qualification);

#endif
