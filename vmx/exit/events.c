// Events on their way through the IDT, and triple faults. SDM Vol. 3C, 25.2.
#include "vmx/ask/ask.h"
#include "vmx/exit/exit.h"

// 25.5.2: once an event was delivered, an MTF VM exit is pending on the boundary before the handler's first
// instruction.
static void trap_flag_delivery(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    if (!vmcs_on(vmx->vmcs, PROC, MONITOR_TRAP_FLAG)) return;
    vmx->trap_flag_pending = 1;
    cpu->intercepts.again = true;
}

// An interrupt that comes here exits no more: that was decided at the boundary, or it is a virtual one.
enum outcome intercept_event(struct cpu *cpu, const struct event *event) {
    struct vmx *vmx = vmx_of(cpu);
    trap_flag_delivery(cpu);
    if (vmx->injecting) { // the injected event itself; exceptions during its delivery come here again
        vmx->injecting = false;
        return OUT_OK;
    }
    if (event->type == EVENT_EXTERNAL) return OUT_OK;
    const struct ask ask = ask_of_processor(cpu);
    return ask_event_exits(&ask, event, &vmx->exit) ? OUT_VMEXIT : OUT_OK;
}

enum outcome intercept_shutdown(struct cpu *cpu) {
    exit_begin(cpu, NULL, EXIT_TRIPLE_FAULT);
    vmx_of(cpu)->exit.resume_flag = RF_AS_IS;
    return OUT_VMEXIT;
}
