// VMCSs as a debugger reads them; see view.h.
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/memory/tlb.h"

bool vmx_field(unsigned index, struct vmx_field *out) {
    static const uint8_t bytes[4] = {2, 8, 4, 8};
    if (index >= FIELD_COUNT) return false;
    uint32_t encoding = field_encoding(index);
    *out = (struct vmx_field){field_name(index), field_text(index), encoding, bytes[encoding >> 13 & 3],
                              (uint8_t)(encoding >> 10 & 3)};
    return true;
}

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

static bool same_name(const char *name, const char *text) {
    while (*name && *name == upper(*text)) {
        name++;
        text++;
    }
    return !*name && !*text;
}

int vmx_field_find(const char *name) {
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (same_name(field_name(f), name)) return (int)f;
    return -1;
}

int vmx_field_encoded(const struct cpu *cpu, uint64_t encoding) {
    bool high;
    return cpu->wire.extension ? field_by_encoding(vmx_of(cpu), encoding, &high) : -1;
}

bool vmx_field_exists(const struct cpu *cpu, unsigned index) {
    return cpu->wire.extension && index < FIELD_COUNT && vmx_of(cpu)->capability.exists[index];
}

bool vmx_in_operation(const struct cpu *cpu) { return cpu->wire.extension && vmx_of(cpu)->vmxon_pointer != VMCS_NONE; }

bool vmx_in_non_root(const struct cpu *cpu) { return cpu->wire.extension && vmx_of(cpu)->non_root; }

uint64_t vmx_current_vmcs(const struct cpu *cpu) { return cpu->wire.extension ? vmx_of(cpu)->current : VMX_NO_VMCS; }

void vmx_operation(const struct cpu *cpu, struct vmx_operation *out) {
    *out = (struct vmx_operation){.vmxon = VMX_NO_VMCS, .feature_control = cpu->msr.feature_control};
    if (!cpu->wire.extension) return;
    const struct vmx *vmx = vmx_of(cpu);
    out->on = vmx->vmxon_pointer != VMCS_NONE;
    out->vmxon = vmx->vmxon_pointer;
    out->init_blocked = vmx->init_blocked;
    out->nmi_blocked = vmx->virtual_nmi_blocked;
    out->abort = (uint32_t)vmx->aborted;
}

bool vmx_kept(const struct cpu *cpu, unsigned index, struct vmx_kept *out) {
    for (unsigned i = 0; cpu->wire.extension && i < VMCS_SLOTS; i++) {
        const struct vmcs *vmcs = &vmx_of(cpu)->slot[i];
        if (vmcs->pointer == VMCS_NONE || index--) continue;
        *out = (struct vmx_kept){vmcs->pointer, vmcs->launched & 1, vmcs->shadow & 1};
        return true;
    }
    return false;
}

static const struct vmcs *kept(const struct cpu *cpu, uint64_t pointer) {
    const struct vmx *vmx = vmx_of(cpu);
    for (unsigned i = 0; i < VMCS_SLOTS; i++)
        if (vmx->slot[i].pointer == pointer) return &vmx->slot[i];
    return NULL;
}

static bool peek(const struct cpu *cpu, uint64_t physical, void *to, size_t bytes) {
    const uint8_t *page = physical_page(cpu, physical);
    if (!page || (physical & (PAGE_BYTES - 1)) + bytes > PAGE_BYTES) return false;
    memcpy(to, page + (physical & (PAGE_BYTES - 1)), bytes);
    return true;
}

bool vmx_vmcs_read(const struct cpu *cpu, uint64_t pointer, unsigned field, uint64_t *value) {
    if (!cpu->wire.extension || pointer == VMX_NO_VMCS || field >= FIELD_COUNT) return false;
    const struct vmcs *vmcs = kept(cpu, pointer);
    if (vmcs)
        *value = vmcs->field[field];
    else if (!peek(cpu, pointer + region_field_offset(field), value, sizeof *value))
        return false;
    *value &= field_mask(field);
    return true;
}

uint64_t vmx_vmcs_field_address(uint64_t pointer, unsigned field) {
    return pointer + region_field_offset((enum vmcs_field)field);
}

uint64_t vmx_field_bits(unsigned field, uint64_t value) { return value & field_mask((enum vmcs_field)field); }

bool vmx_vmcs_write(struct cpu *cpu, uint64_t pointer, unsigned field, uint64_t value) {
    if (!vmx_field_exists(cpu, field) || pointer == VMX_NO_VMCS) return false;
    struct vmx *vmx = vmx_of(cpu);
    value &= field_mask(field);
    for (unsigned i = 0; i < VMCS_SLOTS; i++) {
        if (vmx->slot[i].pointer != pointer) continue;
        vmx->slot[i].field[field] = value;
        vmcs_wrote(vmx, vmx->slot + i, vmcs_part_of[field]);
        return true;
    }
    uint64_t at = pointer + region_field_offset(field);
    struct page_frame frame = physical_frame(cpu, at);
    if (!frame_writable(frame)) return false;
    frame_store_bytes(cpu, frame, at, (const uint8_t *)&value, sizeof value);
    return true;
}

uint32_t vmx_revision(void) { return VMCS_REVISION; }

bool vmx_vmcs_active(const struct cpu *cpu, uint64_t pointer) {
    return cpu->wire.extension && pointer != VMX_NO_VMCS && kept(cpu, pointer);
}

bool vmx_vmcs_launched(const struct cpu *cpu, uint64_t pointer, bool *launched) {
    uint32_t state = 0;
    if (!cpu->wire.extension || pointer == VMX_NO_VMCS) return false;
    const struct vmcs *vmcs = kept(cpu, pointer);
    if (!vmcs && !peek(cpu, pointer + region_launch_offset(), &state, sizeof state)) return false;
    *launched = vmcs ? vmcs->launched & 1 : state & 1;
    return true;
}

const uint64_t *vmx_vmcs_fields(const struct cpu *cpu, uint64_t pointer) {
    const struct vmcs *vmcs = cpu->wire.extension && pointer != VMX_NO_VMCS ? kept(cpu, pointer) : NULL;
    return vmcs ? vmcs->field : NULL;
}
