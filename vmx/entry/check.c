// Enforces the VM-entry checks of check.def. SDM Vol. 3C, 26.2, 26.3.1.
// A group of checks runs only when a part of the VMCS that it reads was written since it passed.
#include "vmx/entry/check.h"
#include "vmx/entry/entry.h"

// The first failing row of a group, or CHECK_NONE.
ALWAYS_INLINE int first_failure(const struct ask *c, enum check_group wanted) {
#define CHECK(name, group, when, must, section, text)                                                                  \
    if (CHECKS_##group == wanted && (when) && !(must)) return CHECK_##name;
#include "vmx/entry/check.def"
#undef CHECK
    return CHECK_NONE;
}

#define GROUP(name, outcome, qualification, parts)                                                                     \
    static int run_##name(const struct ask *c) { return first_failure(c, CHECKS_##name); }
#include "vmx/entry/group.def"
#undef GROUP

#define PART(name) PART_##name
// The first failing row of those groups that read one of these parts; *which is the outcome or the qualification.
ALWAYS_INLINE int run_groups(const struct ask *c, uint32_t written, bool guest, uint64_t *which) {
    int row;
#define GROUP(name, outcome, qualification, parts)                                                                     \
    if (guest == ((outcome) == EXIT_INVALID_GUEST_STATE) && written & (parts) && (row = run_##name(c)) >= 0) {         \
        *which = guest ? qualification : outcome;                                                                      \
        return row;                                                                                                    \
    }
#include "vmx/entry/group.def"
#undef GROUP
    return CHECK_NONE;
}

static uint32_t parts_written(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    return derived_of(vmx, vmx->vmcs)->since_check | PART_MODE | PART_MEMORY;
}

// As explaining: a check reads RAM and ROM alone.
int check_controls_and_host(struct cpu *cpu, unsigned *error) {
    const struct ask ask = ask_about(cpu);
    uint64_t outcome = 0;
    int row = run_groups(&ask, parts_written(cpu), false, &outcome);
    *error = (unsigned)outcome;
    return row;
}

int check_guest(struct cpu *cpu, uint64_t *qualification) {
    struct vmx *vmx = vmx_of(cpu);
    const struct ask ask = ask_about(cpu);
    int row = run_groups(&ask, parts_written(cpu), true, qualification);
    if (row == CHECK_NONE) derived_of(vmx, vmx->vmcs)->since_check = 0;
    return row;
}

int ask_entry(const struct ask *ask, struct exit_record *would, struct cpu_image *loaded) {
    uint64_t which = 0;
    if (would) *would = (struct exit_record){0};
    int row = run_groups(ask, PART_ALL, false, &which);
    if (row != CHECK_NONE) return row;
    row = run_groups(ask, PART_ALL, true, &which);
    if (row != CHECK_NONE && would)
        *would = (struct exit_record){.reason = (uint32_t)(EXIT_INVALID_GUEST_STATE | EXIT_REASON_ENTRY_FAILURE),
                                      .qualification = which};
    if (row == CHECK_NONE && loaded) image_load(ask, loaded);
    return row;
}
