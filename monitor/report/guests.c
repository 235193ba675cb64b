// Guests, and who lets them in; see guests.h.
#include "monitor/report/guests.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"

// Hypervisors that are guests run theirs on one or the other of their processors: of these counts the EPT that they have
// in common. Where none is known to be in use, the processor itself, by its VMCS.
static uint64_t key_of(const struct cpu *cpu, unsigned level, bool runs_guests) {
    struct vmx_level_info info = {0};
    uint64_t proc = 0, proc2 = 0, eptp = 0;
    const bool ept = runs_guests && vmx_level_read(cpu, level, FIELD_PROC_CONTROLS, &proc) &&
                     proc & BIT(PROC_ACTIVATE_SECONDARY) && vmx_level_read(cpu, level, FIELD_PROC2_CONTROLS, &proc2) &&
                     proc2 & BIT(PROC2_ENABLE_EPT) && vmx_level_read(cpu, level, FIELD_EPT_POINTER, &eptp);
    if (ept) return eptp & ~(PAGE_BYTES - 1);
    (void)vmx_level_info(cpu, level, &info);
    return info.vmcs;
}

uint64_t guest_key(const struct cpu *cpu, unsigned level) {
    uint64_t key = level;
    for (unsigned l = 1; l <= level; l++) {
        key = (key ^ key_of(cpu, l, l < level)) * 0x9e3779b97f4a7c15ull;
        key ^= key >> 31;
    }
    return key | 1;
}

unsigned guest_find(const uint64_t *keys, size_t bytes, uint64_t key, bool *is_new) {
    unsigned place = (unsigned)(key >> 1) % GUESTS;
    *is_new = false;
    for (unsigned i = 0; i < GUESTS; i++) {
        const uint64_t *at = (const uint64_t *)((const uint8_t *)keys + i * bytes);
        if (*at == key) return i;
        if (!*at) place = i;
    }
    *is_new = true;
    return place;
}

const struct history_exit *guest_exit(const struct cpu *cpu, unsigned level) {
    return &vmx_history_cpu(cpu)->loop[level].exit;
}

uint64_t guest_field(const struct cpu *cpu, enum vmcs_field field) {
    const uint64_t *fields = vmx_vmcs_fields(cpu, vmx_current_vmcs(cpu));
    return fields ? fields[field] : 0;
}

uint64_t guest_ran(const struct cpu *cpu, unsigned level) {
    const struct history_loop *l = &vmx_history_cpu(cpu)->loop[level];
    return l->exit.step - l->entry_step;
}

bool guest_secondary(const struct cpu *cpu, unsigned control) {
    return guest_field(cpu, FIELD_PROC_CONTROLS) & BIT(PROC_ACTIVATE_SECONDARY) &&
           guest_field(cpu, FIELD_PROC2_CONTROLS) & BIT(control);
}

struct report guest_report(const struct cpu *cpu, enum report_rule rule, const struct sight *entry, unsigned level) {
    enum { VMLAUNCH = 20, VMRESUME = 24 };
    struct report report = report_at(cpu, rule, entry);
    const struct history_exit *last = guest_exit(cpu, level);
    report.at.level = 0;
    report.at.rip = entry->old;
    for (unsigned l = 1; l < level; l++) {
        const struct history_exit *e = guest_exit(cpu, l);
        if (e->step <= last->step || (e->reason != VMLAUNCH && e->reason != VMRESUME)) continue;
        report.at.step = e->step, report.at.rip = e->rip, report.at.level = l;
    }
    return report;
}

void guest_beginning(struct report *report, const struct cpu *cpu, unsigned level, const char *began) {
    const struct history_exit *e = guest_exit(cpu, level);
    report->began = began;
    report->beginning =
        (struct report_moment){.step = e->step, .rip = e->rip, .processor = (uint32_t)cpu->id, .level = level};
}
