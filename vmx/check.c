// Enforces the VM-entry checks of check.def. SDM Vol. 3C, 26.2, 26.3.1.
// A group of checks runs only when a part of the VMCS that it reads was written since it passed.
#include "vmx/check.h"

// Memory that a check reads. Only RAM and ROM, so that explaining has no side effect; anything else reads as all ones.
uint64_t check_memory(const struct check *c, uint64_t physical, unsigned bytes) {
    bool writable;
    const uint8_t *page = NULL;
    if (!(physical & c->vmx->capability.physical_reserved))
        page = c->cpu->platform->page(c->cpu->platform->machine, physical & ~(PAGE_BYTES - 1), &writable);
    uint64_t value = 0;
    if (page) memcpy(&value, page + (physical & (PAGE_BYTES - 1)), bytes);
    return page ? value : ~0ull >> (64 - 8 * bytes);
}

// The first failing row of a group, or CHECK_NONE.
ALWAYS_INLINE int first_failure(const struct check *c, enum check_group wanted) {
#define CHECK(name, group, when, must, section, text)                                                                  \
    if (CHECKS_##group == wanted && (when) && !(must)) return CHECK_##name;
#include "vmx/check.def"
#undef CHECK
    return CHECK_NONE;
}

#define GROUP(name, outcome, qualification, parts)                                                                     \
    static int run_##name(const struct check *c) { return first_failure(c, CHECKS_##name); }
#include "vmx/group.def"
#undef GROUP

#define PART(name) PART_##name
static const struct group {
    int (*run)(const struct check *c);
    uint8_t outcome, qualification;
    uint16_t parts;
} groups[] = {
#define GROUP(name, outcome, qualification, parts) {run_##name, outcome, qualification, parts},
#include "vmx/group.def"
#undef GROUP
};

static int run_groups(struct cpu *cpu, bool guest, const struct group **failed) {
    struct vmx *vmx = vmx_of(cpu);
    struct check c = {.cpu = cpu, .vmx = vmx, .vmcs = vmx->vmcs};
    uint32_t dirty = vmx->dirty[vmx->vmcs - vmx->slot] | PART_MODE | PART_MEMORY;
    for (const struct group *g = groups; g < groups + CHECK_GROUPS; g++) {
        if ((g->outcome == EXIT_INVALID_GUEST_STATE) != guest || !(g->parts & dirty)) continue;
        int row = g->run(&c);
        if (row == CHECK_NONE) continue;
        *failed = g;
        return row;
    }
    return CHECK_NONE;
}

int check_controls_and_host(struct cpu *cpu, unsigned *error) {
    const struct group *failed = NULL;
    int row = run_groups(cpu, false, &failed);
    if (failed) *error = failed->outcome;
    return row;
}

int check_guest(struct cpu *cpu, uint64_t *qualification) {
    struct vmx *vmx = vmx_of(cpu);
    const struct group *failed = NULL;
    int row = run_groups(cpu, true, &failed);
    if (failed)
        *qualification = failed->qualification;
    else
        vmx->dirty[vmx->vmcs - vmx->slot] = 0;
    return row;
}

bool check_eptp(const struct vmx *vmx, uint64_t eptp) {
    struct check context = {.vmx = vmx}, *c = &context;
    return ept_memory_type(eptp & EPTP_MEMORY_TYPE) && (eptp >> 3 & 7) == 3 && !(eptp & BITS(11, 7)) && physical(eptp);
}
