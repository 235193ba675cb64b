// What is printed of VT-x: VMCSs, what exits, why something did or failed. The facts are those of monitor/explain,
// monitor/vmcs and monitor/causes.
#ifndef MONITOR_VTX_H
#define MONITOR_VTX_H
#include "monitor/vmcs/vmcs.h"
#include "monitor/session/monitor.h"

// --- vmcs_take.c ---
// [entry:]current | @LEVEL | POINTER, vmcs12[@LEVEL], or reset. False after an error.
bool vmcs_take(struct monitor *monitor, const char **text, struct vmcs_image *image);
// The last word: one that the processor could load now, by default the current one.
bool vmcs_take_pointer(struct monitor *monitor, const char *text, struct vmcs_image *image);
bool vmcs_named(const char *text); // whether the next word is one of these
// With what is known of the past. False after an error: nothing is.
bool vmcs_source_of(struct monitor *monitor, unsigned level, struct vmcs_source *from);

// --- vmcs.c ---
void print_field_meaning(struct monitor *monitor, enum vmcs_field field, uint64_t value);

// --- cost.c ---
bool exits_cost(struct monitor *monitor, const char *arguments); // the words after exits cost
// One kind of them (monitor/causes/exits.h).
void exits_cost_kind(struct monitor *monitor, const struct history_cpu *past, unsigned level, unsigned kind);

// --- the words after vmcs: vmcs_compare.c, vmcs_state.c ---
bool vmcs_diff(struct monitor *monitor, const char *arguments);
bool vmcs_merge(struct monitor *monitor, const char *arguments);
bool vmcs_check(struct monitor *monitor, const char *arguments);
bool vmcs_exit(struct monitor *monitor, const char *arguments);
unsigned print_lint(struct monitor *monitor); // what is seldom meant; the number of remarks
// VM-entry checks that fail; the same rule for several registers is told once.
void print_checks(struct monitor *monitor, const struct fact *facts, unsigned count);

#endif
