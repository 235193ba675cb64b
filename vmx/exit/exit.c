// VM exit: carrying out what was recorded (vmx/vmcs/exit_record.c); VMX aborts. SDM Vol. 3C, 26.8, chapter 27.
#include "cpu/watch/observe.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"
#include "vmx/exit/exit.h"
#include "cpu/event/invariants.h"
#include "vmx/history/history.h"
#include "vmx/level/level.h"

// 27.2.4. Not for a double fault that exits directly, nor for a triple fault.
static bool during_delivery(const struct cpu *cpu, const struct exit_record *r) {
    bool double_fault = r->reason == EXIT_EXCEPTION_NMI && (r->interruption & INTERRUPTION_VECTOR) == VECTOR_DF;
    return cpu->attempt.delivering_valid && !double_fault && r->reason != EXIT_TRIPLE_FAULT;
}

static void write_vectoring(struct cpu *cpu, struct vmx *vmx, bool delivering) {
    const struct event *e = &cpu->attempt.delivering;
    if (!delivering) {
        vmcs_set(vmx, IDT_VECTORING, 0);
        return;
    }
    bool error_code = e->has_error_code && cpu->control.cr0 & CR0_PE;
    vmcs_set(vmx, IDT_VECTORING, interruption_of(e, error_code));
    if (error_code) vmcs_set(vmx, IDT_VECTORING_ERROR_CODE, e->error_code);
    if (e->type >= EVENT_SOFTWARE_INTERRUPT) vmx->exit.instruction_length = e->length;
}

// Of EPT violations, EPT misconfigurations, APIC accesses and full logs that an instruction's access to memory causes,
// the manual leaves the instruction length undefined (27.2.5). Processors store it, and software depends on it: KVM for
// ioeventfd (EPT misconfiguration) and EOI (APIC access), ACRN, LHV and others for emulation (EPT violation).
static void find_length(const struct cpu *cpu, struct exit_record *r) {
    if (r->resume_flag == RF_SET && !r->instruction_length) r->instruction_length = cpu->attempt.exited_bytes;
}

// Other fields that the manual leaves undefined for an exit are written as 0, or keep their value (the two addresses).
static void write_information(struct vmx *vmx) {
    const struct exit_record *r = &vmx->exit;
    vmcs_set(vmx, EXIT_REASON, r->reason);
    vmcs_set(vmx, EXIT_QUALIFICATION, r->qualification);
    vmcs_set(vmx, EXIT_INTERRUPTION, r->interruption);
    vmcs_set(vmx, EXIT_ERROR_CODE, r->error_code);
    vmcs_set(vmx, EXIT_INSTRUCTION_LENGTH, r->instruction_length);
    vmcs_set(vmx, INSTRUCTION_INFORMATION, r->instruction_information);
    if (r->has_linear) vmcs_set(vmx, GUEST_LINEAR_ADDRESS, r->guest_linear);
    if (r->has_physical) vmcs_set(vmx, GUEST_PHYSICAL_ADDRESS, r->guest_physical);
    vmcs_set(vmx, ENTRY_INTERRUPTION, vmcs_get(vmx->vmcs, ENTRY_INTERRUPTION) & ~INTERRUPTION_VALID);
}

// The guest's state is in the VMCS and still on the processor, vmx_level is still the guest's.
static void tell_exit(struct cpu *cpu, const struct exit_record *r) {
    OBSERVE_TELL(cpu, NULL, EXIT, .number = r->reason, .value = r->qualification, .old = r->interruption,
                 .information = r->error_code, .linear = r->has_linear ? r->guest_linear : 0,
                 .physical = r->has_physical ? r->guest_physical : 0);
}

enum outcome exit_carry_out(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    bool delivering = during_delivery(cpu, &vmx->exit), was_long = cpu->control.efer & EFER_LMA;
    history_origin_begin(cpu, WRITER_EXIT);
    write_vectoring(cpu, vmx, delivering);
    bool reports_unblocking = vmx->exit.reason == EXIT_EPT_VIOLATION || vmx->exit.reason == EXIT_PML_FULL;
    if (reports_unblocking && !delivering && vmx->nmi_unblocked_step == cpu->time.steps - 1)
        vmx->exit.qualification |= INTERRUPTION_NMI_UNBLOCKING; // the same bit in both, 27.2.3
    cpu->attempt.delivering_valid = false;
    find_length(cpu, &vmx->exit);
    write_information(vmx);
    save_guest_state(cpu, delivering);
    history_note_exit(cpu);
    if (observed(cpu, OBSERVE_EXIT)) tell_exit(cpu, &vmx->exit);
    const struct vmcs *vmcs = vmx->vmcs;
    if (!msr_area_store(cpu, vmcs_get(vmcs, EXIT_MSR_STORE_ADDRESS), vmcs_get(vmcs, EXIT_MSR_STORE_COUNT)))
        return vmx_abort(cpu, ABORT_SAVING_MSRS);
    if (was_long && !vmcs_on(vmcs, EXIT, HOST_ADDRESS_SPACE_SIZE)) return vmx_abort(cpu, ABORT_HOST_NOT_IA32E);
    if (vmx->exit.nmi) cpu->boundary.nmi_blocked = 1;
    return exit_to_host(cpu, vmx->exit.reason);
}

enum outcome exit_to_host(struct cpu *cpu, uint32_t reason) {
    struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    bool sound = cpu_sound(cpu);
    count_exit(cpu, reason);
    vmx->non_root = 0;
    establish_root(cpu);
    if (!load_host_state(cpu)) return vmx_abort(cpu, ABORT_HOST_PDPTES);
    cpu_update_space(cpu);
    if (!vmcs_on(vmcs, PROC2, ENABLE_VPID)) tlb_flush_vpid(cpu, 0, true);
    if (msr_area_load(cpu, vmcs_get(vmcs, EXIT_MSR_LOAD_ADDRESS), vmcs_get(vmcs, EXIT_MSR_LOAD_COUNT)))
        return vmx_abort(cpu, ABORT_LOADING_MSRS);
    INVARIANT(!cpu->intercepts.non_root && !cpu->intercepts.enabled && !cpu->second_stage && !cpu->eptp && !cpu->vpid);
    cpu_stays_sound(cpu, sound);
    return OUT_OK;
}

// 27.7. The processor goes to the VMX-abort shutdown state, which only RESET leaves.
enum outcome vmx_abort(struct cpu *cpu, enum vmx_abort indicator) {
    enum { ABORT_OFFSET = 4 };
    struct vmx *vmx = vmx_of(cpu);
    physical_store(cpu, vmx->current + ABORT_OFFSET, 32, indicator);
    vmx->aborted = indicator;
    vmx->non_root = 0;
    establish_root(cpu);
    cpu->boundary.activity = ACTIVITY_SHUTDOWN;
    cpu->boundary.pending = 0;
    cpu_update_space(cpu);
    return OUT_STOP;
}
