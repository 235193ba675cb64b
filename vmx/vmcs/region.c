// VMCSs on the processor and their regions in memory. SDM Vol. 3C, 24.1, 24.2, 24.11.1.
//
// A VMCS that VMPTRLD made active is kept on the processor, in one of VMCS_SLOTS slots, until VMCLEAR, or until another
// VMCS needs its slot: then it is written to its region, as a processor may do at any time. While it is kept, the
// region in memory is neither read nor written: software that looks there sees what was written back last. Format of a
// region: revision identifier, VMX-abort indicator, launch state, reserved, then 8 bytes a field in the order of
// field.def.
#include "vmx/vmcs/vmcs.h"

enum { REGION_LAUNCH_STATE = 8, REGION_FIELDS = 16 };
_Static_assert(REGION_FIELDS + 8 * FIELD_COUNT <= VMCS_REGION_BYTES, "the fields fit the region");

unsigned region_field_offset(enum vmcs_field field) { return REGION_FIELDS + 8 * field; }
unsigned region_launch_offset(void) { return REGION_LAUNCH_STATE; }

bool physical_address_valid(const struct vmx *vmx, uint64_t address) {
    return !(address & (PAGE_BYTES - 1)) && !(address & vmx->capability.physical_reserved);
}

void region_clear_slots(struct vmx *vmx) {
    for (unsigned i = 0; i < VMCS_SLOTS; i++) {
        vmx->slot[i] = (struct vmcs){.pointer = VMCS_NONE};
        vmcs_wrote(vmx, &vmx->slot[i], PART_ALL);
    }
    vmx->next_slot = 0;
    vmx->vmcs = NULL;
}

static struct vmcs *slot_of(struct vmx *vmx, uint64_t pointer) {
    for (unsigned i = 0; i < VMCS_SLOTS; i++)
        if (vmx->slot[i].pointer == pointer) return &vmx->slot[i];
    return NULL;
}

void region_find_current(struct vmx *vmx) { vmx->vmcs = vmx->current == VMCS_NONE ? NULL : slot_of(vmx, vmx->current); }

static void write_back(struct cpu *cpu, const struct vmcs *vmcs) {
    physical_store(cpu, vmcs->pointer + REGION_LAUNCH_STATE, 32, vmcs->launched);
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        physical_store(cpu, vmcs->pointer + REGION_FIELDS + 8 * f, 64, vmcs->field[f]);
}

static void read_in(struct cpu *cpu, struct vmcs *vmcs, uint64_t pointer) {
    vmcs->pointer = pointer;
    uint64_t launch_state = physical_load(cpu, pointer + REGION_LAUNCH_STATE, 32);
    vmcs->launched = launch_state & 1 ? launch_state : 0;
    vmcs->shadow = physical_load(cpu, pointer, 32) >> 31;
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        vmcs->field[f] = physical_load(cpu, pointer + REGION_FIELDS + 8 * f, 64) & field_mask(f);
    vmcs_wrote(vmx_of(cpu), vmcs, PART_ALL);
}

// A slot for another VMCS: a free one, or the oldest that is not current.
static struct vmcs *slot_take(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    struct vmcs *vmcs = slot_of(vmx, VMCS_NONE);
    if (vmcs) return vmcs;
    vmcs = &vmx->slot[vmx->next_slot % VMCS_SLOTS];
    if (vmcs->pointer == vmx->current) vmcs = &vmx->slot[vmx->next_slot = (vmx->next_slot + 1) % VMCS_SLOTS];
    vmx->next_slot = (vmx->next_slot + 1) % VMCS_SLOTS;
    write_back(cpu, vmcs);
    return vmcs;
}

bool region_make_current(struct cpu *cpu, uint64_t pointer) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->current = pointer;
    vmx->vmcs = slot_of(vmx, pointer);
    if (vmx->vmcs) return false;
    vmx->vmcs = slot_take(cpu);
    read_in(cpu, vmx->vmcs, pointer);
    return true;
}

struct vmcs *region_shadow(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t pointer = vmcs_get(vmx->vmcs, VMCS_LINK_POINTER);
    if (pointer == VMCS_NONE) return NULL;
    struct vmcs *shadow = slot_of(vmx, pointer);
    if (shadow) return shadow;
    shadow = slot_take(cpu);
    read_in(cpu, shadow, pointer);
    return shadow;
}

void region_vmclear(struct cpu *cpu, uint64_t pointer) {
    struct vmx *vmx = vmx_of(cpu);
    struct vmcs *vmcs = slot_of(vmx, pointer);
    if (vmcs) {
        vmcs->launched = 0;
        write_back(cpu, vmcs);
        *vmcs = (struct vmcs){.pointer = VMCS_NONE};
    } else {
        physical_store(cpu, pointer + REGION_LAUNCH_STATE, 32, 0);
    }
    if (vmx->current == pointer) {
        vmx->current = VMCS_NONE;
        vmx->vmcs = NULL;
    }
}

// VMXOFF: nothing stays on the processor.
void region_write_back_all(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    for (unsigned i = 0; i < VMCS_SLOTS; i++)
        if (vmx->slot[i].pointer != VMCS_NONE) write_back(cpu, &vmx->slot[i]);
    region_clear_slots(vmx);
}
