// What VMX non-root operation looks at on an instruction boundary, in the order of priority: INIT, SIPI, the monitor
// trap flag, the preemption timer, NMIs, interrupts and their windows. SDM Vol. 3C, 25.2, 27.1; Vol. 3A, Table 6-2.
//
// External interrupts and NMIs that exit are blocked by STI and MOV SS as those that do not exit: the manual leaves it
// open (25.4.1). NOT IMPLEMENTED: SMI, machine checks.
#include "vmx/vmcs/vmx.h"
#include "vmx/apic/virtual_apic.h"
#include "vmx/ask/ask.h"
#include "vmx/ask/qualification.h"
#include "vmx/exit/exit.h"

static enum outcome poll_init_sipi(struct cpu *cpu) {
    bool waiting = cpu->boundary.activity == ACTIVITY_WAIT_FOR_SIPI;
    if (cpu->boundary.pending & PENDING_INIT) {
        cpu_pend(cpu, PENDING_INIT, false);
        if (!waiting) return exit_at_boundary(cpu, EXIT_INIT, 0);
        vmx_of(cpu)->init_blocked = 1; // until the next VM entry
    }
    if (!(cpu->boundary.pending & PENDING_SIPI)) return OUT_OK;
    cpu_pend(cpu, PENDING_SIPI, false); // discarded unless waited for
    return waiting ? exit_at_boundary(cpu, EXIT_SIPI, part(SIPI, VECTOR, cpu->boundary.sipi_vector & 255)) : OUT_OK;
}

static bool nmi_open(const struct cpu *cpu, bool shadow) {
    return cpu->boundary.pending & PENDING_NMI && !cpu->boundary.nmi_blocked && !shadow;
}

static enum outcome poll_nmi(struct cpu *cpu, bool shadow) {
    struct vmx *vmx = vmx_of(cpu);
    const struct event nmi = {.vector = VECTOR_NMI, .type = EVENT_NMI};
    const struct ask ask = ask_of_processor(cpu);
    if (vmcs_on(vmx->vmcs, PROC, NMI_WINDOW_EXITING) && !vmx->virtual_nmi_blocked && !shadow)
        return exit_at_boundary(cpu, EXIT_NMI_WINDOW, 0);
    if (!nmi_open(cpu, shadow) || !ask_event_exits(&ask, &nmi, &vmx->exit)) return OUT_OK;
    cpu_pend(cpu, PENDING_NMI, false);
    return OUT_VMEXIT;
}

bool vmx_interrupt_exits(const struct cpu *cpu) {
    return cpu->intercepts.non_root && vmcs_on(vmx_of(cpu)->vmcs, PIN, EXTERNAL_INTERRUPT_EXITING);
}

// Without "acknowledge interrupt on exit" its vector is not known. OUT_SOLO: a posted interrupt was processed.
static enum outcome external_interrupt_exit(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    struct event e = {.type = EVENT_EXTERNAL};
    const struct ask ask = ask_of_processor(cpu);
    if (!ask_event_exits(&ask, &e, &vmx->exit)) return OUT_OK;
    if (!vmcs_on(vmx->vmcs, EXIT, ACKNOWLEDGE_INTERRUPT)) return OUT_VMEXIT;
    int vector = cpu->wire.platform->acknowledge(cpu->wire.platform->machine, cpu);
    if (vector < 0) return OUT_OK;
    if (vmcs_on(vmx->vmcs, PIN, POSTED_INTERRUPTS) && (unsigned)vector == vmcs_get(vmx->vmcs, POSTED_VECTOR)) {
        virtual_apic_posted(cpu);
        return OUT_SOLO;
    }
    e.vector = (uint8_t)vector;
    return ask_event_exits(&ask, &e, &vmx->exit) ? OUT_VMEXIT : OUT_OK;
}

static enum outcome poll_interrupt(struct cpu *cpu, bool shadow) {
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    if (cpu->boundary.activity > ACTIVITY_HLT || shadow) return OUT_OK;
    if (vmcs_on(vmcs, PROC, INTERRUPT_WINDOW_EXITING) && cpu->rflags & FLAG_IF)
        return exit_at_boundary(cpu, EXIT_INTERRUPT_WINDOW, 0);
    if (vmx_of(cpu)->virtual_interrupt && cpu->rflags & FLAG_IF) {
        TRY(virtual_apic_deliver(cpu));
        return OUT_LEAVE; // nothing more at this boundary
    }
    return cpu->boundary.pending & PENDING_INTR ? external_interrupt_exit(cpu) : OUT_OK;
}

// 25.5.2: after one instruction, or one iteration, or at once when an MTF VM exit was injected or an event delivered.
static enum outcome poll_trap_flag(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    bool on = vmcs_on(vmx->vmcs, PROC, MONITOR_TRAP_FLAG);
    if (cpu->boundary.activity > ACTIVITY_HLT) return OUT_OK;
    if (vmx->trap_flag_pending || (on && cpu->time.steps != vmx->trap_flag_step)) {
        vmx->trap_flag_pending = 0;
        return exit_at_boundary(cpu, EXIT_MONITOR_TRAP_FLAG, 0);
    }
    if (on) cpu->attention |= ATTENTION_EVENT; // one instruction, then look again
    return OUT_OK;
}

enum outcome intercept_poll(struct cpu *cpu) {
    bool shadow = cpu_sti_shadow(cpu) || cpu_mov_ss_shadow(cpu);
    TRY(virtual_apic_poll(cpu));
    TRY(poll_init_sipi(cpu));
    if (cpu->boundary.activity == ACTIVITY_WAIT_FOR_SIPI) return OUT_OK;
    TRY(poll_trap_flag(cpu));
    if (cpu->boundary.pending & PENDING_DEBUG && !cpu_mov_ss_shadow(cpu) && cpu->boundary.activity <= ACTIVITY_HLT) {
        cpu->intercepts.again = true; // debug traps come first; look again after them
        return OUT_OK;
    }
    if (cpu->time.vmx_deadline_cycles <= cpu_cycles_now(cpu)) return exit_at_boundary(cpu, EXIT_PREEMPTION_TIMER, 0);
    TRY(poll_nmi(cpu, shadow));
    if (nmi_open(cpu, shadow)) { // it does not exit, and comes before interrupts and their windows
        cpu->intercepts.again = true;
        return OUT_OK;
    }
    enum outcome outcome = poll_interrupt(cpu, shadow);
    return outcome == OUT_SOLO ? poll_interrupt(cpu, shadow) : outcome;
}
