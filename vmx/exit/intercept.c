// The processor asks whether its instruction exits, and does what the answer says; and what instructions do otherwise
// in VMX non-root operation without exiting. SDM Vol. 3C, 25.1, 25.3; rows in vmx/ask/exits.def and changes.def.
#include "vmx/apic/virtual_apic.h"
#include "vmx/ask/ask.h"
#include "vmx/ask/exit_words.h"
#include "vmx/exit/exit.h"

// 25.1.3, PAUSE-loop exiting: at CPL 0 only, and only if "PAUSE exiting" is 0. A PAUSE that exits counts as well.
static enum outcome pause_counted(struct cpu *cpu, const struct op *op, union intercept_operand operand) {
    (void)operand;
    struct vmx *vmx = vmx_of(cpu);
    if (vmcs_on(vmx->vmcs, PROC, PAUSE_EXITING) || cpu_cpl(cpu)) return OUT_OK;
    uint64_t now = cpu_cycles(cpu, op), last = vmx->ple_last;
    vmx->ple_last = now;
    if (!last || now - last > vmcs_get(vmx->vmcs, PLE_GAP)) vmx->ple_first = now;
    return OUT_OK;
}

// MWAIT for interrupts that are masked does not wait while one could come at once: as if nothing were monitored.
static enum outcome mwait_looks(struct cpu *cpu, const struct op *op, union intercept_operand operand) {
    (void)op, (void)operand;
    const uint64_t masked_interrupts = BIT(0);
    const struct vmx *vmx = vmx_of(cpu);
    bool waits = vmcs_on(vmx->vmcs, PROC, INTERRUPT_WINDOW_EXITING) || vmx->virtual_interrupt;
    if (waits && !(cpu->rflags & FLAG_IF) && (uint32_t)cpu->gpr[RCX] == masked_interrupts) cpu_monitor_clear(cpu);
    return OUT_OK;
}

static enum outcome iret_unblocks(struct cpu *cpu, const struct op *op, union intercept_operand operand) {
    (void)operand;
    struct vmx *vmx = vmx_of(cpu);
    bool virtual = cpu->intercepts.virtual_nmis, tracks = virtual || !vmcs_on(vmx->vmcs, PIN, NMI_EXITING);
    if (!tracks || !(virtual ? vmx->virtual_nmi_blocked : cpu->boundary.nmi_blocked)) return OUT_OK;
    vmx->virtual_nmi_blocked = cpu->boundary.nmi_blocked = 0;
    vmx->nmi_unblocked_step = cpu_steps(cpu, op);
    cpu_look(cpu);
    return OUT_OK;
}

static enum outcome cr8_read(struct cpu *cpu, const struct op *op, union intercept_operand operand) {
    (void)op;
    return virtual_apic_cr8_read(cpu, operand.cr.gpr);
}

static enum outcome cr8_write(struct cpu *cpu, const struct op *op, union intercept_operand operand) {
    (void)op;
    return virtual_apic_cr8_write(cpu, operand.cr.value);
}

// What the virtual APIC did is done: on to the next instruction.
static enum outcome virtualized(struct cpu *cpu, const struct op *op, enum outcome outcome) {
    if (outcome == OUT_LEAVE) cpu->rip = op_next_rip(cpu, op);
    return outcome;
}

static enum outcome rdmsr_virtualized(struct cpu *cpu, const struct op *op, union intercept_operand operand) {
    return virtualized(cpu, op, virtual_apic_rdmsr(cpu, operand.msr.index));
}

static enum outcome wrmsr_virtualized(struct cpu *cpu, const struct op *op, union intercept_operand operand) {
    return virtualized(cpu, op, virtual_apic_wrmsr(cpu, operand.msr.index, operand.msr.value));
}

static enum outcome change(struct cpu *cpu, const struct op *op, enum intercept what, union intercept_operand operand,
                           const struct ask *c) {
#define UNDEFINED(intercept, control, section, rule)
#define CHANGES(intercept, when, function, section, rule)                                                              \
    case ICEPT_##intercept: return (when) ? function(cpu, op, operand) : OUT_OK;
    switch (what) {
#include "vmx/ask/changes.def"
    default: return OUT_OK;
    }
#undef UNDEFINED
#undef CHANGES
}

enum outcome intercept_check(struct cpu *cpu, const struct op *op, enum intercept what,
                             union intercept_operand operand) {
    struct vmx *vmx = vmx_of(cpu);
    const struct ask ask = ask_of_processor(cpu);
    if (ask_undefined(&ask, what)) return cpu_fault_ud(cpu);
    bool exits = ask_exits(&ask, op, what, operand, &vmx->exit);
    if (likely(exits && what != ICEPT_PAUSE)) return OUT_VMEXIT;
    enum outcome outcome = change(cpu, op, what, operand, &ask);
    return exits ? OUT_VMEXIT : outcome;
}
