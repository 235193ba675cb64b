// Event injection by VM entry. SDM Vol. 3C, 26.6.
#include "cpu/watch/observe.h"
#include "cpu/event/event.h"
#include "vmx/entry/entry.h"
#include "vmx/history/history.h"

enum outcome inject_event(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t info = vmcs_get(vmx->vmcs, ENTRY_INTERRUPTION);
    if (!(info & INTERRUPTION_VALID)) return OUT_OK;
    if ((info & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT == EVENT_OTHER) { // a pending MTF VM exit
        vmx->trap_flag_pending = 1;
        cpu_pend(cpu, PENDING_VMX, true);
        return OUT_OK;
    }
    struct event event = {
        .vector = (uint8_t)(info & INTERRUPTION_VECTOR),
        .type = (uint8_t)((info & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT),
        .has_error_code = info & INTERRUPTION_ERROR_CODE,
        .error_code = (uint32_t)vmcs_get(vmx->vmcs, ENTRY_ERROR_CODE),
        .length = (uint8_t)vmcs_get(vmx->vmcs, ENTRY_INSTRUCTION_LENGTH),
        .injected = true,
    };
    if (event.type < EVENT_SOFTWARE_INTERRUPT) event.length = 0;
    // The registers that a real page fault or debug exception would update are not modified.
    if (event.vector == VECTOR_PF) event.payload = cpu->control.cr2;
    uint64_t dr6 = cpu->control.dr[6], dr7 = cpu->control.dr[7], debugctl = cpu->msr.debugctl;
    history_note_injection(cpu, &event, info);
    OBSERVE_TELL(cpu, NULL, EVENT_INJECTED, .number = event.vector, .value = info, .information = event.error_code);
    vmx->injecting = true;
    enum outcome outcome = event_deliver(cpu, &event);
    vmx->injecting = false;
    if (cpu->intercepts.virtual_nmis) cpu->boundary.nmi_blocked = 0; // an injected NMI blocks virtual NMIs
    if (event.vector == VECTOR_DB) cpu->control.dr[6] = dr6, cpu->control.dr[7] = dr7, cpu->msr.debugctl = debugctl;
    return outcome;
}
