// VMCSs as commands name and print them.
#ifndef MONITOR_VMCS_H
#define MONITOR_VMCS_H
#include "monitor/commands/command.h"
#include "monitor/explain/history.h"
#include "monitor/explain/own_vmcs.h"

// The values of one VMCS, wherever they come from.
struct vmcs_image {
    char name[48]; // "VMCS 207000 (level 1)"
    uint64_t pointer;
    bool known[FIELD_COUNT];
    uint64_t field[FIELD_COUNT];
};

// [entry:]current | @LEVEL | POINTER, vmcs12[@LEVEL], or reset. False after an error.
bool vmcs_take(struct monitor *monitor, const char **text, struct vmcs_image *image);
// The last word: one that the processor could load now, by default the current one.
bool vmcs_take_pointer(struct monitor *monitor, const char *text, struct vmcs_image *image);
bool vmcs_named(const char *text); // whether the next word is one of these
bool vmcs_hardware(struct monitor *monitor, uint64_t pointer, struct vmcs_image *image);
bool vmcs_at_entry(struct monitor *monitor, uint64_t pointer, struct vmcs_image *image);
bool vmcs_twelve(struct monitor *monitor, unsigned level, struct vmcs_image *image); // for the guest at `level`
// What the value means: "  PG NE ET PE". Nothing where it is only a number.
void vmcs_decode(struct monitor *monitor, enum vmcs_field field, uint64_t value);
// "hardware exception 13 #GP, error code"; the same bits in three fields.
void vmcs_interruption(struct monitor *monitor, uint64_t information);
const char *vmcs_vector_name(unsigned vector); // "#GP", "" beyond the exceptions
int vmcs_digits(enum vmcs_field field);        // hexadecimal digits of a field
bool vmcs_control_group(enum vmcs_field field, enum control_group *group);
// "HLT exiting, use I/O bitmaps": controls whose bits are set.
void vmcs_controls(struct monitor *monitor, enum control_group group, uint64_t value);

// --- the words after vmcs ---
bool vmcs_diff(struct monitor *monitor, const char *arguments);
bool vmcs_check(struct monitor *monitor, const char *arguments);
bool vmcs_exit(struct monitor *monitor, const char *arguments);
bool vmcs_merge(struct monitor *monitor, const char *arguments);
void vmcs_print_rule(struct monitor *monitor, const struct vmx_failure *rule);

#endif
