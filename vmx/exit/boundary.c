// What VMX non-root operation looks at on an instruction boundary, by the rows of boundary.def. SDM Vol.
// 3C, 25.2, 27.1.
//
// External interrupts and NMIs that exit are blocked by STI and MOV SS as those that do not exit: the manual leaves it
// open (25.4.1). NOT IMPLEMENTED: SMI, machine checks.
#include "vmx/vmcs/vmx.h"
#include "vmx/apic/virtual_apic.h"
#include "vmx/ask/ask.h"
#include "vmx/ask/qualification.h"
#include "vmx/exit/exit.h"
#include "vmx/history/history.h"

static bool waiting(const struct cpu *cpu) { return cpu->boundary.activity == ACTIVITY_WAIT_FOR_SIPI; }

static enum outcome take_AFTER_ACCESS(struct cpu *cpu) { return virtual_apic_poll(cpu); }

static enum outcome take_INIT(struct cpu *cpu) {
    cpu_pend(cpu, PENDING_INIT, false);
    if (!waiting(cpu)) return exit_at_boundary(cpu, EXIT_INIT, 0);
    vmx_of(cpu)->init_blocked = 1; // until the next VM entry
    history_note_discarded(cpu, EVENT_INIT_HELD);
    return OUT_OK;
}

static enum outcome take_SIPI(struct cpu *cpu) {
    cpu_pend(cpu, PENDING_SIPI, false);
    if (!waiting(cpu)) {
        history_note_discarded(cpu, EVENT_SIPI_DISCARDED);
        return OUT_OK;
    }
    return exit_at_boundary(cpu, EXIT_SIPI, part(SIPI, VECTOR, cpu->boundary.sipi_vector & 255));
}

// 25.5.2: after one instruction, or one iteration, or at once when an MTF VM exit was injected or an event delivered.
static bool is_trap_flag_due(const struct cpu *cpu) {
    const struct vmx *vmx = vmx_of(cpu);
    return vmx->trap_flag_pending ||
           (vmcs_on(vmx->vmcs, PROC, MONITOR_TRAP_FLAG) && cpu->time.steps != vmx->trap_flag_step);
}
static enum outcome take_TRAP_FLAG(struct cpu *cpu) {
    vmx_of(cpu)->trap_flag_pending = 0;
    return exit_at_boundary(cpu, EXIT_MONITOR_TRAP_FLAG, 0);
}
static enum outcome take_TRAP_FLAG_TO_COME(struct cpu *cpu) {
    cpu->attention |= ATTENTION_EVENT; // one instruction, then look again
    return OUT_OK;
}

static enum outcome processor_takes(struct cpu *cpu) {
    cpu->intercepts.again = true;
    return OUT_OK;
}
static enum outcome take_DEBUG(struct cpu *cpu) { return processor_takes(cpu); }
static enum outcome take_NMI(struct cpu *cpu) { return processor_takes(cpu); }

static enum outcome take_PREEMPTION_TIMER(struct cpu *cpu) { return exit_at_boundary(cpu, EXIT_PREEMPTION_TIMER, 0); }
static enum outcome take_NMI_WINDOW(struct cpu *cpu) { return exit_at_boundary(cpu, EXIT_NMI_WINDOW, 0); }
static enum outcome take_INTERRUPT_WINDOW(struct cpu *cpu) { return exit_at_boundary(cpu, EXIT_INTERRUPT_WINDOW, 0); }

static enum outcome take_NMI_EXIT(struct cpu *cpu) {
    const struct event nmi = {.vector = VECTOR_NMI, .type = EVENT_NMI};
    const struct ask ask = ask_of_processor(cpu);
    if (!ask_event_exits(&ask, &nmi, &vmx_of(cpu)->exit)) return OUT_OK;
    cpu_pend(cpu, PENDING_NMI, false);
    return OUT_VMEXIT;
}

static enum outcome take_VIRTUAL_INTERRUPT(struct cpu *cpu) {
    TRY(virtual_apic_deliver(cpu));
    return OUT_LEAVE; // nothing more at this boundary
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

static enum outcome take_INTERRUPT(struct cpu *cpu) { return external_interrupt_exit(cpu); }

// The vocabulary of boundary.def.
#define pending(what) (cpu->boundary.pending & PENDING_##what)
#define control(group, name) vmcs_on(vmx->vmcs, group, name)
#define trap_flag_due() is_trap_flag_due(cpu)
#define timer_expired() (cpu->time.vmx_deadline_cycles <= cpu_cycles_now(cpu))
#define virtual_interrupt() vmx->virtual_interrupt
#define waits_for_sipi() waiting(cpu)
#define beyond_halt() (cpu->boundary.activity > ACTIVITY_HLT)
#define mov_ss() cpu_mov_ss_shadow(cpu)
#define shadow() (cpu_sti_shadow(cpu) || cpu_mov_ss_shadow(cpu))
#define nmi_masked() (vmx->virtual_nmi_blocked || shadow())
#define nmi_blocked() (cpu->boundary.nmi_blocked || shadow())
#define open() (cpu->rflags & FLAG_IF)

enum {
#define VMX_BOUNDARY(name, waits, blocked, then, text) ROW_##name,
#include "vmx/exit/boundary.def"
#undef VMX_BOUNDARY
};
enum { THEN_LATER, THEN_AGAIN };

static enum outcome take_from(struct cpu *cpu, unsigned first) {
    const struct vmx *vmx = vmx_of(cpu);
#define VMX_BOUNDARY(name, waits, blocked, then, text)                                                                 \
    if (ROW_##name >= first && (waits) && !(blocked)) {                                                                \
        TRY(take_##name(cpu));                                                                                         \
        if (THEN_##then == THEN_AGAIN) return OUT_OK;                                                                  \
    }
#include "vmx/exit/boundary.def"
#undef VMX_BOUNDARY
    return OUT_OK;
}

enum outcome intercept_poll(struct cpu *cpu) {
    enum outcome outcome = take_from(cpu, 0);
    // A posted interrupt was processed: what it made recognized comes at this boundary.
    return outcome == OUT_SOLO ? take_from(cpu, ROW_INTERRUPT_WINDOW) : outcome;
}
