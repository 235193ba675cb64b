// VM entry: VMLAUNCH and VMRESUME. SDM Vol. 3C, chapter 26, in the order of its sections.
#include "vmx/ept/ept.h"
#include "cpu/watch/observe.h"
#include "cpu/event/invariants.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"
#include "vmx/apic/virtual_apic.h"
#include "vmx/entry/entry.h"
#include "vmx/exit/exit.h"
#include "vmx/history/history.h"
#include "vmx/level/level.h"

// Which entry of the MSR-load area it was: 26.4, 26.8.
static void note_msr(const struct cpu *cpu, uint64_t entry, struct history_failure *failure) {
    enum { ENTRY_BYTES = 16, DATA_OFFSET = 8 };
    const struct ask ask = ask_about(cpu);
    uint64_t at = vmcs_get(ask.vmcs, ENTRY_MSR_LOAD_ADDRESS) + (entry - 1) * ENTRY_BYTES;
    if (entry > MSR_AREA_MAX) return;
    failure->msr = ask_memory(&ask, at, 8);
    failure->value = ask_memory(&ask, at + DATA_OFFSET, 8);
}

// 26.8: VM-entry failures during or after loading guest state.
static enum outcome entry_failure(struct cpu *cpu, enum exit_reason reason, uint64_t qualification) {
    struct vmx *vmx = vmx_of(cpu);
    vmcs_set(vmx, EXIT_REASON, reason | EXIT_REASON_ENTRY_FAILURE);
    vmcs_set(vmx, EXIT_QUALIFICATION, qualification);
    struct history_failure *failure =
        history_note_failure(cpu, NULL, reason | EXIT_REASON_ENTRY_FAILURE, qualification);
    if (reason == EXIT_MSR_LOADING) note_msr(cpu, qualification, failure);
    explain_failure(cpu, failure);
    OBSERVE_TELL(cpu, NULL, FAILED_ENTRY, .number = reason | EXIT_REASON_ENTRY_FAILURE, .value = qualification,
                 .physical = vmx->current);
    return exit_to_host(cpu, reason);
}

// Everything after the controls and the host state were found good.
// `from`: RIP of the instruction.
static enum outcome enter(struct cpu *cpu, bool launch, uint64_t from) {
    struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    uint64_t qualification = 0;
    bool sound = cpu_sound(cpu);
    if (check_guest(cpu, &qualification) >= 0) return entry_failure(cpu, EXIT_INVALID_GUEST_STATE, qualification);
    load_guest_state(cpu);
    qualification = msr_area_load(cpu, vmcs_get(vmcs, ENTRY_MSR_LOAD_ADDRESS), vmcs_get(vmcs, ENTRY_MSR_LOAD_COUNT));
    if (!qualification && vmcs_get(vmcs, ENTRY_MSR_LOAD_COUNT) > MSR_AREA_MAX) qualification = MSR_AREA_MAX + 1;
    if (qualification) return entry_failure(cpu, EXIT_MSR_LOADING, qualification);
    if (launch) vmx->vmcs->launched = launch_state(vmx);
    vmx->non_root = 1;
    count_entry(cpu);
    // Without VPIDs guest-physical mappings go too, which the manual permits (28.4.3.1) and silicon seems to do.
    if (!vmcs_on(vmcs, PROC2, ENABLE_VPID)) ept_invalidate(vmx, vmcs_get(vmcs, EPT_POINTER));
    establish_non_root(cpu);
    cpu_update_space(cpu);
    if (!vmcs_on(vmcs, PROC2, ENABLE_VPID)) tlb_flush_vpid(cpu, 0, true);
    load_non_register_state(cpu);
    virtual_apic_enter(cpu);
    init_unblock(cpu);
    history_note_entry(cpu);
    OBSERVE_TELL(cpu, NULL, ENTRY, .number = launch, .value = cpu->rip, .old = from, .physical = vmx->current,
                 .information = vmcs_get(vmcs, ENTRY_INTERRUPTION));
    INVARIANT(cpu->intercepts.non_root && cpu->intercepts.poll && !cpu->second_stage == !cpu->eptp);
    cpu_stays_sound(cpu, sound);
    enum outcome outcome = inject_event(cpu);
    return outcome == OUT_VMEXIT ? exit_carry_out(cpu) : outcome;
}

int entry_refused(const struct cpu *cpu, const struct op *op, bool launch) {
    const struct vmx *vmx = vmx_of(cpu);
    if (!vmx->vmcs || vmx->vmcs->shadow) return 0;
    if (cpu->boundary.mov_ss_shadow_step == cpu_steps(cpu, op)) return ERROR_MOV_SS_BLOCKING;
    if (launch) return vmx->vmcs->launched ? ERROR_VMLAUNCH_NOT_CLEAR : ENTRY_ALLOWED;
    if (!vmx->vmcs->launched) return ERROR_VMRESUME_NOT_LAUNCHED;
    return vmx->vmcs->launched == launch_state(vmx) ? ENTRY_ALLOWED : ERROR_VMRESUME_AFTER_VMXOFF;
}

enum outcome entry_carry_out(struct cpu *cpu, const struct op *op, bool launch, unsigned *error) {
    if (check_controls_and_host(cpu, error) >= 0) {
        count_failed_entry(cpu);
        return OUT_OK;
    }
    *error = 0;
    const uint64_t from = op_rip(cpu, op);
    cpu->time.steps = cpu_steps(cpu, op) + 1; // this attempt is over
    history_origin_begin(cpu, WRITER_ENTRY);
    cpu->attempt.trap = 0; // a VM entry causes no single-step trap
    enum outcome outcome = enter(cpu, launch, from);
    return outcome == OUT_OK ? OUT_LEAVE : outcome;
}
