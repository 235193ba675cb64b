// What a VM exit would change in the state of the hypervisor, which should find itself as it was. SDM Vol. 3C, 27.5.
#include "monitor/vmcs/vmcs.h"
#include <inttypes.h>
#include <stdio.h>

static void compare(struct vmcs_changes *c, const char *what, uint64_t now, uint64_t after, const char *why) {
    c->rows++;
    if (now == after || c->count == VMCS_CHANGES) return;
    struct vmcs_change *change = &c->change[c->count++];
    *change = (struct vmcs_change){.now = now, .after = after, .why = why};
    snprintf(change->what, sizeof change->what, "%s", what);
}

static const char *const from_host = "host-state area";

static void compare_registers(struct vmcs_changes *c, const struct view *now, const struct view *after) {
    compare(c, "CR0", now->cr0, after->cr0, from_host);
    compare(c, "CR3", now->cr3, after->cr3, from_host);
    compare(c, "CR4", now->cr4, after->cr4, from_host);
    compare(c, "EFER", now->efer, after->efer, "host-state area, or by \"host address-space size\"");
    compare(c, "RSP", now->gpr[RSP], after->gpr[RSP], from_host);
    compare(c, "RIP", now->rip, after->rip, from_host);
    compare(c, "RFLAGS", now->rflags, after->rflags, "always 2 (27.5.3)");
    compare(c, "DR7", now->dr7, after->dr7, "always 400H (27.5.1)");
}

static void compare_msrs(struct vmcs_changes *c, const struct cpu *cpu, uint64_t vmcs) {
    static const struct {
        const char *name;
        enum vmcs_field field;
        int control; // that makes a VM exit load it; -1: always
    } rows[] = {{"SYSENTER_CS", FIELD_HOST_SYSENTER_CS, -1},
                {"SYSENTER_ESP", FIELD_HOST_SYSENTER_ESP, -1},
                {"SYSENTER_EIP", FIELD_HOST_SYSENTER_EIP, -1},
                {"PAT", FIELD_HOST_PAT, EXIT_LOAD_PAT}};
    const uint64_t now[] = {cpu->msr.sysenter_cs, cpu->msr.sysenter_esp, cpu->msr.sysenter_eip, cpu->msr.pat};
    uint64_t controls = 0;
    (void)vmx_vmcs_read(cpu, vmcs, FIELD_EXIT_CONTROLS, &controls);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t after = 0;
        if (rows[i].control >= 0 && !(controls >> rows[i].control & 1)) continue;
        if (vmx_vmcs_read(cpu, vmcs, rows[i].field, &after)) compare(c, rows[i].name, now[i], after, from_host);
    }
    compare(c, "DEBUGCTL", cpu->msr.debugctl, 0, "always 0 (27.5.1)");
}

static void compare_segment(struct vmcs_changes *c, const struct view *now, const struct view *after, unsigned s) {
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};
    char what[24];
    const struct segment *a = &now->segment[s], *b = &after->segment[s];
    bool unusable = a->rights & RIGHTS_UNUSABLE && b->rights & RIGHTS_UNUSABLE;
    snprintf(what, sizeof what, "%s selector", names[s]);
    compare(c, what, a->selector, b->selector, s == LDTR ? "always 0 (27.5.2)" : from_host);
    if (unusable) return;
    snprintf(what, sizeof what, "%s base", names[s]);
    compare(c, what, now->base[s], after->base[s], s >= FS ? from_host : "always 0 (27.5.2)");
    snprintf(what, sizeof what, "%s limit", names[s]);
    compare(c, what, a->limit, b->limit, "always so (27.5.2)");
    snprintf(what, sizeof what, "%s rights", names[s]);
    compare(c, what, a->rights, b->rights, "always so (27.5.2)");
}

void vmcs_exit_changes(const struct view *now, uint64_t vmcs, struct vmcs_changes *c) {
    struct view after;
    *c = (struct vmcs_changes){0};
    view_after_exit(now, vmcs, &after);
    compare_registers(c, now, &after);
    compare_msrs(c, now->cpu, vmcs);
    for (unsigned s = ES; s <= TR; s++) compare_segment(c, now, &after, s);
    compare(c, "GDTR base", now->gdtr.base, after.gdtr.base, from_host);
    compare(c, "GDTR limit", now->gdtr.limit, after.gdtr.limit, "always FFFFH (27.5.2)");
    compare(c, "IDTR base", now->idtr.base, after.idtr.base, from_host);
    compare(c, "IDTR limit", now->idtr.limit, after.idtr.limit, "always FFFFH (27.5.2)");
}
