// VT-x in a processor: attached, reset, taken away; its rows and its state table.
#include "vmx/ept/ept.h"
#include "vmx/exit/exit.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/decode/insn.h"
#include "vmx/history/history.h"
#include <stdlib.h>

static void leave_operation(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->vmxon_pointer = vmx->current = VMCS_NONE;
    vmx->non_root = vmx->virtual_nmi_blocked = vmx->aborted = 0;
    vmx->ple_first = vmx->ple_last = vmx->init_blocked = 0;
    vmx->apic_write = vmx->trap_exit = vmx->trap_qualification = vmx->virtual_interrupt = 0;
    vmx->trap_flag_step = vmx->trap_flag_pending = 0;
    vmx->nmi_unblocked_step = ~0ull;
    region_clear_slots(vmx);
    establish_root(cpu);
    cpu->time.vmx_deadline_cycles = ~0ull;
    cpu->boundary.pending &= ~(uint32_t)PENDING_VMX;
}

// Both a reset and INIT leave VMX operation; a reset drops cached mappings too. IA32_FEATURE_CONTROL keeps its value
// over INIT. SDM Vol. 3C, 23.7, 28.4.3.1.
static void reset(struct cpu *cpu, bool init) {
    leave_operation(cpu);
    if (init) return;
    ept_reset(vmx_of(cpu));
    cpu->msr.feature_control = 0;
}

static void sipi_discarded(struct cpu *cpu) { history_note_discarded(cpu, EVENT_SIPI_DISCARDED); }

bool vmx_attach(struct cpu *cpu) {
    struct vmx *vmx = calloc(1, sizeof *vmx);
    if (!vmx) return false;
    if (!level_attach(vmx)) {
        free(vmx);
        return false;
    }
    if (!history_attach(vmx)) {
        level_detach(vmx);
        free(vmx);
        return false;
    }
    capability_compute(cpu->wire.model, &vmx->capability);
    vmx->counts.exit_reason = ~0u;
    vmx->extension = (struct extension){.state = vmx,
                                        .msr_read = capability_msr_read,
                                        .msr_write = capability_msr_write,
                                        .msr_refuses = capability_msr_refuses,
                                        .reset = reset,
                                        .cr_refused = capability_cr_refused,
                                        .peek_second_stage = ept_peek,
                                        .delivers = history_note_delivery,
                                        .discards_sipi = sipi_discarded};
    cpu->wire.extension = &vmx->extension;
    reset(cpu, false);
    return true;
}

void vmx_detach(struct cpu *cpu) {
    if (!cpu->wire.extension) return;
    struct vmx *vmx = vmx_of(cpu);
    establish_root(cpu);
    cpu->wire.extension = NULL;
    level_detach(vmx);
    history_detach(vmx);
    free(vmx);
}

void vmx_share(struct cpu *cpu, const struct cpu *with) {
    if (!cpu->wire.extension || !with->wire.extension) return;
    level_share(vmx_of(cpu), vmx_of(with));
    history_share(vmx_of(cpu), vmx_of(with));
}

void vmx_drop_derived(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    for (unsigned i = 0; i < VMCS_SLOTS; i++) vmcs_wrote(vmx, &vmx->slot[i], PART_ALL);
    vmx->nmi_unblocked_step = ~0ull;
    region_find_current(vmx);
    if (vmx->non_root && vmx->vmcs)
        establish_non_root(cpu);
    else
        establish_root(cpu);
}

#define ONE(member) STATE_ONE(struct vmx, member)
#define UP_TO(member, greatest) STATE_ONE_TO(struct vmx, member, greatest)
#define WORDS(member) STATE_WORDS(struct vmx, member)
static const struct state_field state_fields[] = {
    ONE(vmxon_pointer),
    ONE(current),
    ONE(operations),
    UP_TO(next_slot, VMCS_SLOTS - 1),
    UP_TO(non_root, 1),
    UP_TO(virtual_nmi_blocked, 1),
    UP_TO(init_blocked, 1),
    ONE(aborted),
    ONE(ple_first),
    ONE(ple_last),
    ONE(apic_write),
    UP_TO(trap_exit, VMX_REASONS - 1),
    ONE(trap_qualification),
    UP_TO(virtual_interrupt, 1),
    ONE(trap_flag_step),
    UP_TO(trap_flag_pending, 1),
    WORDS(slot),
    WORDS(ept),
    WORDS(ept_pde),
    WORDS(ept_pdpte),
    WORDS(ept_table),
    UP_TO(ept_next_table, EPT_TABLES - 1),
    ONE(ept_next_generation),
};
const struct state_table vmx_state = STATE_TABLE("vmx", state_fields);

// Where the slots begin among the saved bytes.
static size_t saved_slots(void) {
    size_t at = 0;
    for (uint32_t i = 0; i < vmx_state.count; i++) {
        const struct state_field *f = &vmx_state.fields[i];
        if (f->offset == offsetof(struct vmx, slot)) break;
        at += (size_t)f->width * f->count;
    }
    return at;
}

bool vmx_vmcs_saved(const uint8_t *saved, uint64_t pointer, unsigned field, uint64_t *value) {
    saved += saved_slots();
    for (unsigned i = 0; i < VMCS_SLOTS; i++, saved += sizeof(struct vmcs)) {
        uint64_t at;
        memcpy(&at, saved + offsetof(struct vmcs, pointer), sizeof at);
        if (at != pointer) continue;
        memcpy(value, saved + offsetof(struct vmcs, field) + field * sizeof *value, sizeof *value);
        *value &= field_mask((enum vmcs_field)field);
        return true;
    }
    return false;
}

// --- the rows ---

#define INSN(encoding, mnemonic, operands, modes, feature, traits, name) extern const struct body body_##name;
#include "vmx/insn/insn.def"
#undef INSN
static const struct insn_row rows[] = {
#define INSN(encoding, mnemonic, operands, modes, feature, traits, name)                                               \
    {encoding, mnemonic, operands, modes, FEATURE_##feature, traits, &body_##name},
#include "vmx/insn/insn.def"
#undef INSN
};
const struct row_set vmx_rows = {rows, sizeof rows / sizeof rows[0]};
