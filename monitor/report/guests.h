// What the kinds about guests have in common: which guest it is, whoever runs it and on whatever processor; and which
// hypervisor let it in, where: what is wrong with a VM entry into a guest's guest is the doing of the deepest
// hypervisor that has run since the exit, and its VMLAUNCH or VMRESUME is the instruction that makes the mistake.
#ifndef MONITOR_REPORT_GUESTS_H
#define MONITOR_REPORT_GUESTS_H
#include "monitor/report/report.h"
#include "vmx/history/history.h"

enum { GUESTS = 32 };

// What a detector sees now.
struct seen {
    struct reports *reports;
    struct cpu *cpu;
    const struct sight *sight;
    unsigned level;
};

// The VMCS by which it is run, and whose guest it is: the EPTs of the levels above it; never 0.
uint64_t guest_key(const struct cpu *cpu, unsigned level);
// The place of this guest among keys that are `bytes` apart, else a free one, else one by the key itself; `is_new`: it
// was not there.
unsigned guest_find(const uint64_t *keys, size_t bytes, uint64_t key, bool *is_new);
// At what is seen now, a VM entry of the guest: a report at the instruction that entered it.
struct report guest_report(const struct cpu *cpu, enum report_rule rule, const struct sight *entry, unsigned level);
// It began with the last VM exit of the guest.
void guest_beginning(struct report *report, const struct cpu *cpu, unsigned level, const char *began);
// The last VM exit of a guest of that level.
const struct history_exit *guest_exit(const struct cpu *cpu, unsigned level);
// Instructions that the guest of that level was let make, from its last VM entry to its last VM exit.
uint64_t guest_ran(const struct cpu *cpu, unsigned level);
// In the VMCS that the guest is entered with, or has just left.
uint64_t guest_field(const struct cpu *cpu, enum vmcs_field field);
// A secondary control of it that is in effect (enum of vmx/vmcs/vmcs.h).
bool guest_secondary(const struct cpu *cpu, unsigned control);

#endif
