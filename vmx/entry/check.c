// Enforces the VM-entry checks of check.def. SDM Vol. 3C, 26.2, 26.3.1.
// A group of checks runs only when a part of the VMCS that it reads was written since it passed.
#include "vmx/entry/check.h"

// Memory that a check reads. Only RAM and ROM, so that explaining has no side effect; anything else reads as all ones.
uint64_t check_memory(const struct check *c, uint64_t physical, unsigned bytes) {
    bool writable;
    const uint8_t *page = NULL;
    if (!(physical & c->vmx->capability.physical_reserved))
        page = c->cpu->wire.platform->page(c->cpu->wire.platform->machine, physical & ~(PAGE_BYTES - 1), &writable);
    uint64_t value = 0;
    if (page) memcpy(&value, page + (physical & (PAGE_BYTES - 1)), bytes);
    return page ? value : ~0ull >> (64 - 8 * bytes);
}

// The first failing row of a group, or CHECK_NONE.
ALWAYS_INLINE int first_failure(const struct check *c, enum check_group wanted) {
#define CHECK(name, group, when, must, section, text)                                                                  \
    if (CHECKS_##group == wanted && (when) && !(must)) return CHECK_##name;
#include "vmx/entry/check.def"
#undef CHECK
    return CHECK_NONE;
}

#define GROUP(name, outcome, qualification, parts)                                                                     \
    static int run_##name(const struct check *c) { return first_failure(c, CHECKS_##name); }
#include "vmx/entry/group.def"
#undef GROUP

#define PART(name) PART_##name
// Runs those groups whose parts were written; *which is the outcome or the qualification of the one that fails.
ALWAYS_INLINE int run_groups(struct cpu *cpu, bool guest, uint64_t *which) {
    struct vmx *vmx = vmx_of(cpu);
    const struct check c = {.cpu = cpu, .vmx = vmx, .vmcs = vmx->vmcs};
    const uint32_t written = derived_of(vmx, vmx->vmcs)->since_check | PART_MODE | PART_MEMORY;
    int row;
#define GROUP(name, outcome, qualification, parts)                                                                     \
    if (guest == ((outcome) == EXIT_INVALID_GUEST_STATE) && written & (parts) && (row = run_##name(&c)) >= 0) {        \
        *which = guest ? qualification : outcome;                                                                      \
        return row;                                                                                                    \
    }
#include "vmx/entry/group.def"
#undef GROUP
    return CHECK_NONE;
}

int check_controls_and_host(struct cpu *cpu, unsigned *error) {
    uint64_t outcome = 0;
    int row = run_groups(cpu, false, &outcome);
    *error = (unsigned)outcome;
    return row;
}

int check_guest(struct cpu *cpu, uint64_t *qualification) {
    struct vmx *vmx = vmx_of(cpu);
    int row = run_groups(cpu, true, qualification);
    if (row == CHECK_NONE) derived_of(vmx, vmx->vmcs)->since_check = 0;
    return row;
}

bool check_eptp(const struct vmx *vmx, uint64_t eptp) {
    struct check context = {.vmx = vmx}, *c = &context;
    return ept_memory_type(eptp & EPTP_MEMORY_TYPE) && (eptp >> 3 & 7) == 3 && !(eptp & BITS(11, 7)) && physical(eptp);
}
