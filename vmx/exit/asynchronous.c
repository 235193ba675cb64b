// Causes of VM exits other than instructions: exceptions, interrupts, NMIs, INIT, SIPI, windows, the preemption timer,
// triple faults. SDM Vol. 3C, 25.2, 27.1, 27.2.2.
//
// External interrupts and NMIs that exit are blocked by STI and MOV SS as those that do not exit: the manual leaves it
// open (25.4.1). NOT IMPLEMENTED: SMI, machine checks.
#include "vmx/vmcs/vmcs.h"

static uint64_t interruption(const struct event *e, bool error_code) {
    return INTERRUPTION_VALID | (uint64_t)e->type << INTERRUPTION_TYPE_SHIFT | e->vector |
           (error_code ? INTERRUPTION_ERROR_CODE : 0);
}

// --- exceptions ---

static bool exception_exits(const struct vmcs *vmcs, const struct event *e) {
    bool bit = vmcs_get(vmcs, EXCEPTION_BITMAP) >> (e->vector & 31) & 1;
    if (e->vector != VECTOR_PF) return bit;
    bool match = (e->error_code & vmcs_get(vmcs, PAGE_FAULT_MASK)) == vmcs_get(vmcs, PAGE_FAULT_MATCH);
    return match ? bit : !bit;
}

// 27.2.3: the instruction in execution is an IRET that removed virtual-NMI blocking before it met the fault.
static bool nmi_unblocked(const struct cpu *cpu) {
    return vmx_of(cpu)->nmi_unblocked_step == cpu->time.steps - 1 && !cpu->attempt.delivering_valid;
}

// Single-step and breakpoint traps come at an instruction boundary; other exceptions from an attempt at an instruction.
static bool is_trap(const struct event *e) {
    return e->type == EVENT_HARDWARE_EXCEPTION && e->vector == VECTOR_DB && !(e->payload & DEBUG_BD);
}

static enum outcome exception_exit(struct cpu *cpu, const struct event *e) {
    struct vmx *vmx = vmx_of(cpu);
    bool error_code = e->has_error_code && cpu->control.cr0 & CR0_PE;
    bool fault = e->type == EVENT_HARDWARE_EXCEPTION && !is_trap(e) && e->vector != VECTOR_DF;
    exit_begin(cpu, NULL, EXIT_EXCEPTION_NMI);
    vmx->exit.attempted = !is_trap(e) && e->vector != VECTOR_MF; // #MF saves no blocking by STI or MOV SS, 27.1
    vmx->exit.resume_flag = fault ? RF_SET : RF_AS_IS;
    vmx->exit.interruption = (uint32_t)interruption(e, error_code);
    if (e->vector != VECTOR_DF && nmi_unblocked(cpu)) vmx->exit.interruption |= INTERRUPTION_NMI_UNBLOCKING;
    vmx->exit.error_code = error_code ? e->error_code : 0;
    if (e->type >= EVENT_SOFTWARE_INTERRUPT) vmx->exit.instruction_length = e->length;
    if (e->vector == VECTOR_PF) vmx->exit.qualification = cpu_64bit(cpu) ? e->payload : (uint32_t)e->payload;
    if (e->vector == VECTOR_DB) vmx->exit.qualification = e->payload & (DEBUG_B0_B3 | DEBUG_BD | DEBUG_BS);
    return OUT_VMEXIT;
}

static enum outcome nmi_exit(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    struct event nmi = {.vector = VECTOR_NMI, .type = EVENT_NMI};
    exit_begin(cpu, NULL, EXIT_EXCEPTION_NMI);
    vmx->exit.attempted = false;
    vmx->exit.resume_flag = RF_AS_IS;
    vmx->exit.interruption = (uint32_t)interruption(&nmi, false);
    vmx->exit.nmi = true;
    return OUT_VMEXIT;
}

// 25.5.2: once an event was delivered, an MTF VM exit is pending on the boundary before the handler's first
// instruction.
static void trap_flag_delivery(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    if (!vmcs_on(vmx->vmcs, PROC, MONITOR_TRAP_FLAG)) return;
    vmx->trap_flag_pending = 1;
    cpu->intercepts.again = true;
}

enum outcome intercept_event(struct cpu *cpu, const struct event *event) {
    struct vmx *vmx = vmx_of(cpu);
    trap_flag_delivery(cpu);
    if (vmx->injecting) { // the injected event itself; exceptions during its delivery come here again
        vmx->injecting = false;
        return OUT_OK;
    }
    if (event->type == EVENT_EXTERNAL || event->type == EVENT_SOFTWARE_INTERRUPT) return OUT_OK;
    if (event->type == EVENT_NMI) return vmcs_on(vmx->vmcs, PIN, NMI_EXITING) ? nmi_exit(cpu) : OUT_OK;
    return exception_exits(vmx->vmcs, event) ? exception_exit(cpu, event) : OUT_OK;
}

enum outcome intercept_shutdown(struct cpu *cpu) {
    exit_begin(cpu, NULL, EXIT_TRIPLE_FAULT);
    vmx_of(cpu)->exit.resume_flag = RF_AS_IS;
    return OUT_VMEXIT;
}

// --- at an instruction boundary, in the order of priority ---

enum outcome boundary_exit(struct cpu *cpu, enum exit_reason reason, uint64_t qualification) {
    struct vmx *vmx = vmx_of(cpu);
    exit_begin(cpu, NULL, reason);
    vmx->exit.attempted = false;
    vmx->exit.resume_flag = RF_AS_IS;
    vmx->exit.qualification = qualification;
    return OUT_VMEXIT;
}

static enum outcome poll_init_sipi(struct cpu *cpu) {
    bool waiting = cpu->boundary.activity == ACTIVITY_WAIT_FOR_SIPI;
    if (cpu->boundary.pending & PENDING_INIT) {
        cpu_pend(cpu, PENDING_INIT, false);
        if (!waiting) return boundary_exit(cpu, EXIT_INIT, 0);
        vmx_of(cpu)->init_blocked = 1; // until the next VM entry
    }
    if (!(cpu->boundary.pending & PENDING_SIPI)) return OUT_OK;
    cpu_pend(cpu, PENDING_SIPI, false); // discarded unless waited for
    return waiting ? boundary_exit(cpu, EXIT_SIPI, cpu->boundary.sipi_vector & 255) : OUT_OK;
}

static bool nmi_open(const struct cpu *cpu, bool shadow) {
    return cpu->boundary.pending & PENDING_NMI && !cpu->boundary.nmi_blocked && !shadow;
}

static enum outcome poll_nmi(struct cpu *cpu, bool shadow) {
    const struct vmx *vmx = vmx_of(cpu);
    if (vmcs_on(vmx->vmcs, PROC, NMI_WINDOW_EXITING) && !vmx->virtual_nmi_blocked && !shadow)
        return boundary_exit(cpu, EXIT_NMI_WINDOW, 0);
    if (!nmi_open(cpu, shadow) || !vmcs_on(vmx->vmcs, PIN, NMI_EXITING)) return OUT_OK;
    cpu_pend(cpu, PENDING_NMI, false);
    return nmi_exit(cpu);
}

// OUT_SOLO: a posted interrupt was processed.
static enum outcome external_interrupt_exit(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    if (!vmcs_on(vmx->vmcs, EXIT, ACKNOWLEDGE_INTERRUPT)) return boundary_exit(cpu, EXIT_EXTERNAL_INTERRUPT, 0);
    int vector = cpu->wire.platform->acknowledge(cpu->wire.platform->machine, cpu);
    if (vector < 0) return OUT_OK;
    if (vmcs_on(vmx->vmcs, PIN, POSTED_INTERRUPTS) && (unsigned)vector == vmcs_get(vmx->vmcs, POSTED_VECTOR)) {
        virtual_apic_posted(cpu);
        return OUT_SOLO;
    }
    struct event e = {.vector = (uint8_t)vector, .type = EVENT_EXTERNAL};
    enum outcome outcome = boundary_exit(cpu, EXIT_EXTERNAL_INTERRUPT, 0);
    vmx->exit.interruption = (uint32_t)interruption(&e, false);
    return outcome;
}

static enum outcome poll_interrupt(struct cpu *cpu, bool shadow) {
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    if (cpu->boundary.activity > ACTIVITY_HLT || shadow) return OUT_OK;
    if (vmcs_on(vmcs, PROC, INTERRUPT_WINDOW_EXITING) && cpu->rflags & FLAG_IF)
        return boundary_exit(cpu, EXIT_INTERRUPT_WINDOW, 0);
    if (vmx_of(cpu)->virtual_interrupt && cpu->rflags & FLAG_IF) {
        TRY(virtual_apic_deliver(cpu));
        return OUT_LEAVE; // nothing more at this boundary
    }
    if (cpu->boundary.pending & PENDING_INTR && vmcs_on(vmcs, PIN, EXTERNAL_INTERRUPT_EXITING))
        return external_interrupt_exit(cpu);
    return OUT_OK;
}

// 25.5.2: after one instruction, or one iteration, or at once when an MTF VM exit was injected or an event delivered.
static enum outcome poll_trap_flag(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    bool on = vmcs_on(vmx->vmcs, PROC, MONITOR_TRAP_FLAG);
    if (cpu->boundary.activity > ACTIVITY_HLT) return OUT_OK;
    if (vmx->trap_flag_pending || (on && cpu->time.steps != vmx->trap_flag_step)) {
        vmx->trap_flag_pending = 0;
        return boundary_exit(cpu, EXIT_MONITOR_TRAP_FLAG, 0);
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
    if (cpu->time.vmx_deadline_cycles <= cpu_cycles_now(cpu)) return boundary_exit(cpu, EXIT_PREEMPTION_TIMER, 0);
    TRY(poll_nmi(cpu, shadow));
    if (nmi_open(cpu, shadow)) { // it does not exit, and comes before interrupts and their windows
        cpu->intercepts.again = true;
        return OUT_OK;
    }
    enum outcome outcome = poll_interrupt(cpu, shadow);
    return outcome == OUT_SOLO ? poll_interrupt(cpu, shadow) : outcome;
}
