// What VM entry makes of the guest's non-register state: activity, blocking, pending debug exceptions, the preemption
// timer. SDM Vol. 3C, 26.7.
#include "vmx/entry/entry.h"

// 26.7.4
static void start_preemption_timer(struct cpu *cpu, const struct vmcs *vmcs) {
    if (!vmcs_on(vmcs, PIN, PREEMPTION_TIMER)) return;
    uint64_t now = cpu_cycles_now(cpu), tsc = now + cpu->time.tsc_base;
    unsigned rate = cpu->wire.model->preemption_timer_rate;
    uint64_t end = ((tsc >> rate) + vmcs_get(vmcs, PREEMPTION_TIMER)) << rate;
    int64_t left = (int64_t)(end - tsc); // the TSC may wrap before
    cpu->time.vmx_deadline_cycles = left > 0 ? now + (uint64_t)left : now;
    cpu->attention |= ATTENTION_MACHINE;
}

// 26.7.3: the pending debug exceptions of a VM entry that is not vectoring.
static void load_pending_debug(struct cpu *cpu, const struct vmcs *vmcs) {
    uint64_t pending = vmcs_get(vmcs, GUEST_PENDING_DEBUG);
    bool valid = pending & (PENDING_DEBUG_BS | PENDING_DEBUG_ENABLED) && cpu->boundary.activity <= ACTIVITY_HLT;
    cpu->boundary.pending_debug = valid ? pending & (PENDING_DEBUG_B | PENDING_DEBUG_BS) : 0;
    cpu_pend(cpu, PENDING_DEBUG, valid);
}

// 26.7.1, 26.7.2. A VM entry that injects a vectored event ends active and unblocked. Pending debug exceptions stay
// only when the instruction of an injected software interrupt or exception would have come after a MOV SS. 26.7.3
void load_non_register_state(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    uint64_t blocking = vmcs_get(vmcs, GUEST_INTERRUPTIBILITY), event = vmcs_get(vmcs, ENTRY_INTERRUPTION);
    uint64_t type = (event & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT;
    bool vectoring = event & INTERRUPTION_VALID && type != EVENT_OTHER;
    bool nmi = vectoring && type == EVENT_NMI;
    vmx->trap_flag_step = cpu->time.steps;
    vmx->trap_flag_pending = 0;
    cpu->boundary.sti_shadow_step = !vectoring && blocking & BLOCKING_BY_STI ? cpu->time.steps : ~0ull;
    cpu->boundary.mov_ss_shadow_step = !vectoring && blocking & BLOCKING_BY_MOV_SS ? cpu->time.steps : ~0ull;
    cpu->boundary.activity = vectoring ? ACTIVITY_ACTIVE : (uint32_t)vmcs_get(vmcs, GUEST_ACTIVITY);
    vmx->virtual_nmi_blocked = cpu->intercepts.virtual_nmis && (blocking & BLOCKING_BY_NMI || nmi);
    cpu->boundary.nmi_blocked = !cpu->intercepts.virtual_nmis && (blocking & BLOCKING_BY_NMI || nmi);
    cpu_monitor_clear(cpu);
    vmx->ple_last = 0;
    bool software = type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_SOFTWARE_EXCEPTION;
    if (vectoring && !(software && blocking & BLOCKING_BY_MOV_SS)) {
        cpu->boundary.pending_debug = 0;
        cpu_pend(cpu, PENDING_DEBUG, false);
    } else {
        load_pending_debug(cpu, vmcs);
    }
    start_preemption_timer(cpu, vmcs);
    bool window = controls_PROC(vmcs) &
                  (BIT(PROC_INTERRUPT_WINDOW_EXITING) | BIT(PROC_NMI_WINDOW_EXITING) | BIT(PROC_MONITOR_TRAP_FLAG));
    cpu_pend(cpu, PENDING_VMX, window || cpu->time.vmx_deadline_cycles <= cpu_cycles_now(cpu));
}
