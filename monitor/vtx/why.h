// why: what happened last, explained by its rule.
#ifndef MONITOR_WHY_H
#define MONITOR_WHY_H
#include "devices/history/history.h"
#include "monitor/explain/fact.h"
#include "monitor/expression/look.h"
#include "monitor/session/monitor.h"

void why_exit(struct monitor *monitor, const struct history_exit *exit);
void why_failure(struct monitor *monitor, const struct history_failure *failure);
void why_fault(struct monitor *monitor, const struct history_fault *fault);
void why_triple(struct monitor *monitor, const struct history_cpu *c);
void why_refusal(struct monitor *monitor, const struct history_refusal *refusal);
void why_told(struct monitor *monitor, const struct history_told *told); // of a guest, by its hypervisor
// The VMX instructions that were refused since the last VM entry, but for the one at the step `but`, oldest first;
// whether there are any.
bool why_refused(struct monitor *monitor, const struct history *h, const struct history_cpu *c, uint64_t but);
void why_host_state(struct monitor *monitor, const struct history_cpu *c); // that a fault in level 0 may come from
bool why_slow(struct monitor *monitor, const struct history *history);    // what the dearest exits of deep guests cost
void why_lost(struct monitor *monitor, const struct history *history);     // the last event that was lost, if any was
// What waits to be delivered to the processor, and what it waits for. Whether there is anything.
bool why_interrupt(struct monitor *monitor);
// The same of the virtual APIC of the guest with this VMCS.
void why_virtual(struct monitor *monitor, uint64_t vmcs);

void exits_tell_loop(struct monitor *monitor, unsigned level, const struct history_loop *loop);

// --- what these have in common: why_values.c ---
void print_values(struct monitor *monitor, const struct fact *fact);
void print_hints(struct monitor *monitor, const struct fact *fact);
void print_broken(struct monitor *monitor, const struct fact *fact); // a rule: its words, section, values and hint
// The instruction at RIP of a level as text. False: it cannot be read.
bool instruction_at(struct monitor *monitor, unsigned level, uint64_t rip, char *text, size_t size);

// "  OUT, port 0x80, 1 byte": the exit qualification by its bits.
void why_qualification(struct monitor *monitor, unsigned reason, uint64_t qualification);

#endif
