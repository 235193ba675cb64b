// The processor in VMX root operation, and outside VMX operation. SDM Vol. 3C, 23.8.
#include "vmx/exit/exit.h"
#include "vmx/history/history.h"

// INIT is blocked in VMX root operation. It waits where the run loop does not see it, until VMXOFF or VM entry.
static enum outcome poll_root(struct cpu *cpu) {
    if (cpu->boundary.pending & PENDING_INIT) {
        cpu_pend(cpu, PENDING_INIT, false);
        vmx_of(cpu)->init_blocked = 1;
        history_note_discarded(cpu, EVENT_INIT_HELD);
    }
    return OUT_OK;
}

void init_unblock(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    if (vmx->init_blocked) cpu_pend(cpu, PENDING_INIT, true);
    vmx->init_blocked = 0;
}

void establish_root(struct cpu *cpu) {
    bool operation = vmx_of(cpu)->vmxon_pointer != VMCS_NONE;
    cpu->intercepts = (struct intercepts){.poll = operation ? poll_root : NULL};
    cpu->second_stage = NULL;
    cpu->eptp = 0;
    cpu->vpid = 0;
}
