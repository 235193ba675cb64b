// Fields of a VMCS that a guest has for a guest of its own; see own_vmcs.h.
#include "monitor/explain/own_vmcs.h"
#include "vmx/history/history.h"

// What a guest reads and writes without a VM exit is in its shadow VMCS, for the VMCS that it has loaded. SDM Vol. 3C,
// 24.6.15, 24.10.
uint64_t vmcs_shadow_of(const struct vmcs_source *guest, enum vmcs_field bitmap_field, unsigned f) {
    uint64_t vmcs = vmx_level_vmcs(guest->cpu, guest->level), link = VMX_NO_VMCS, bitmap = 0, controls = 0;
    uint8_t byte = 0xff;
    struct vmx_field row;
    if (!vmx_field(f, &row) || !vmx_vmcs_read(guest->cpu, vmcs, FIELD_VMCS_LINK_POINTER, &link)) return VMX_NO_VMCS;
    (void)vmx_vmcs_read(guest->cpu, vmcs, bitmap_field, &bitmap);
    (void)vmx_vmcs_read(guest->cpu, vmcs, FIELD_PROC2_CONTROLS, &controls);
    if (!(controls >> PROC2_VMCS_SHADOWING & 1)) return VMX_NO_VMCS;
    if (!machine_read(guest->machine, bitmap + row.encoding / 8, &byte, 1)) return VMX_NO_VMCS;
    return byte >> row.encoding % 8 & 1 ? VMX_NO_VMCS : link;
}

bool vmcs_shadowed(const struct vmcs_source *guest, unsigned f, uint64_t *value) {
    uint64_t shadow = vmcs_shadow_of(guest, FIELD_VMREAD_BITMAP, f);
    return shadow != VMX_NO_VMCS && vmx_vmcs_read(guest->cpu, shadow, f, value);
}

// Of a VMCS that the hypervisor has for a guest.
static bool field_of(const struct vmcs_source *hypervisor, uint64_t vmcs, enum vmcs_field f, uint64_t *value) {
    struct vmx_level_info info;
    bool loaded = vmx_level_info(hypervisor->cpu, hypervisor->level, &info) && info.current == vmcs;
    if (loaded && vmcs_shadowed(hypervisor, f, value)) return true;
    const struct history *h = hypervisor->history;
    const struct history_vmcs12 *v = h ? history_vmcs12(h, hypervisor->level, vmcs) : NULL;
    if (!v || !v->known[f]) return false;
    *value = v->field[f];
    return true;
}

bool vmcs_own_field(const struct vmcs_source *s, enum vmcs_field f, uint64_t *value) {
    const struct vmcs_source hypervisor = {s->machine, s->history, s->cpu, s->level - 1};
    struct vmx_level_info guest;
    if (!vmx_level_info(s->cpu, s->level, &guest)) return false;
    if (s->level == 1) return vmx_vmcs_read(s->cpu, guest.hardware, f, value);
    return field_of(&hypervisor, guest.vmcs, f, value);
}

bool vmcs_entered_field(const struct vmcs_source *s, enum vmcs_field f, uint64_t *value) {
    struct vmx_level_info info;
    if (!vmx_level_info(s->cpu, s->level, &info) || info.current == VMX_NO_VMCS) return false;
    return field_of(s, info.current, f, value);
}
