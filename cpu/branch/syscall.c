// Fast system calls and software interrupts. SDM Vol. 2B, SYSCALL, SYSRET, SYSENTER, SYSEXIT; Vol. 2A, INT n.
#include "cpu/event/vm86.h"
#include "cpu/engine/body.h"
#include "cpu/event/descriptor.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"
#include "cpu/watch/observe.h"

enum flat_rights {
    FLAT_CODE64 = 0xa09b,
    FLAT_CODE32 = 0xc09b,
    FLAT_DATA = 0xc093,
};

// CS and SS as these instructions set them: fixed descriptors, SS eight above CS.
static void segments_flat(struct cpu *cpu, uint16_t cs, uint16_t ss, bool code64, unsigned cpl) {
    uint32_t dpl = cpl << RIGHTS_DPL_SHIFT;
    struct descriptor code = {.limit = UINT32_MAX, .rights = (code64 ? FLAT_CODE64 : FLAT_CODE32) | dpl};
    struct descriptor data = {.limit = UINT32_MAX, .rights = FLAT_DATA | dpl};
    cpu_monitor_clear(cpu);
    segment_set(cpu, CS, cs, &code);
    segment_set(cpu, SS, ss, &data);
}

// A single-step trap after SYSCALL depends on TF as masked.
BODY(syscall) {
    BODY_UNUSED;
    if (!(cpu->control.efer & EFER_SCE) || !cpu_64bit(cpu)) return cpu_fault_ud(cpu);
    OBSERVE_TELL(cpu, op, IMPLICIT, .number = SIGHT_SYSCALL);
    uint16_t cs = (uint16_t)(cpu->msr.star >> 32);
    uint64_t rflags = cpu_rflags(cpu);
    cpu->gpr[RCX] = op_next_rip(cpu, op);
    cpu->gpr[R11] = rflags & ~FLAG_RF;
    cpu->rip = cpu->msr.lstar;
    segments_flat(cpu, cs & (uint16_t)~SELECTOR_RPL, (uint16_t)((cs & (uint16_t)~SELECTOR_RPL) + 8), true, 0);
    cpu_set_rflags(cpu, rflags & ~(cpu->msr.sfmask | FLAG_RF));
    if (!(cpu->rflags & FLAG_TF)) cpu->attempt.trap = 0;
    cpu_update_mode(cpu);
    return OUT_OK;
}
INSTANTIATE(syscall, BRANCH, FORMS_ONE_NONE)

// The single-step trap of SYSRET depends on TF as loaded, not on what it was: a debugger's user code stops at its first
// instruction, and software that steps the kernel does not reach it (XSA-204; Linux's entry code relies on it).
static void trap_as_loaded(struct cpu *cpu) {
    cpu->attempt.trap = 0;
    if (!(cpu->rflags & FLAG_TF)) return;
    cpu->boundary.pending_debug |= DEBUG_BS;
    cpu_pend(cpu, PENDING_DEBUG, true);
}

BODY(sysret) {
    BODY_UNUSED;
    const bool to_64bit = W == 64;
    const uint64_t changed = FLAGS_DEFINED & ~(FLAG_RF | FLAG_VM);
    if (!(cpu->control.efer & EFER_SCE) || !cpu_64bit(cpu)) return cpu_fault_ud(cpu);
    if (cpu_cpl(cpu) != 0) return cpu_fault_gp0(cpu);
    if (to_64bit && !cpu_canonical(cpu, cpu->gpr[RCX])) return cpu_fault_gp0(cpu);
    OBSERVE_TELL(cpu, op, IMPLICIT, .number = SIGHT_SYSRET);
    uint16_t base = (uint16_t)(cpu->msr.star >> 48);
    cpu->rip = to_64bit ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX];
    segments_flat(cpu, (uint16_t)(base + (to_64bit ? 16 : 0)) | 3, (uint16_t)(base + 8) | 3, to_64bit, 3);
    cpu_set_rflags(cpu, cpu->gpr[R11] & changed);
    trap_as_loaded(cpu);
    cpu_update_mode(cpu);
    return OUT_OK;
}
#define FORMS_SYSRET(X, n) WIDTHS_DWORD(X, n, NONE)
INSTANTIATE(sysret, BRANCH, FORMS_SYSRET)

BODY(sysenter) {
    BODY_UNUSED;
    uint16_t cs = (uint16_t)(cpu->msr.sysenter_cs & ~SELECTOR_RPL);
    if (!(cpu->control.cr0 & CR0_PE) || !cs) return cpu_fault_gp0(cpu);
    bool wide = cpu_long(cpu);
    cpu->rflags &= ~(FLAG_VM | FLAG_IF | FLAG_RF);
    cpu->gpr[RSP] = wide ? cpu->msr.sysenter_esp : (uint32_t)cpu->msr.sysenter_esp;
    cpu->rip = wide ? cpu->msr.sysenter_eip : (uint32_t)cpu->msr.sysenter_eip;
    segments_flat(cpu, cs, (uint16_t)(cs + 8), wide, 0);
    cpu_update_mode(cpu);
    return OUT_OK;
}
INSTANTIATE(sysenter, BRANCH, FORMS_ONE_NONE)

BODY(sysexit) {
    BODY_UNUSED;
    const bool to_64bit = W == 64;
    uint16_t cs = (uint16_t)(cpu->msr.sysenter_cs & ~SELECTOR_RPL);
    if (!cs || !(cpu->control.cr0 & CR0_PE) || cpu_cpl(cpu) != 0) return cpu_fault_gp0(cpu);
    uint64_t rip = cpu->gpr[RDX], rsp = cpu->gpr[RCX];
    if (to_64bit && (!cpu_canonical(cpu, rip) || !cpu_canonical(cpu, rsp))) return cpu_fault_gp0(cpu);
    cpu->gpr[RSP] = to_64bit ? rsp : (uint32_t)rsp;
    cpu->rip = to_64bit ? rip : (uint32_t)rip;
    cs = (uint16_t)(cs + (to_64bit ? 32 : 16)) | 3;
    segments_flat(cpu, cs, (uint16_t)(cs + 8), to_64bit, 3);
    cpu_update_mode(cpu);
    return OUT_OK;
}
INSTANTIATE(sysexit, BRANCH, FORMS_SYSRET)

// --- software interrupts ---

static enum outcome software(struct cpu *cpu, const struct op *op, enum event_type type, uint8_t vector) {
    struct event event = {.vector = vector, .type = (uint8_t)type, .length = op->length};
    enum outcome outcome = event_deliver(cpu, &event);
    // Another event was delivered in its place: the instruction has faulted.
    if (outcome != OUT_VMEXIT && cpu->attempt.delivering.type != type) cpu->time.unretired++;
    return outcome == OUT_OK ? OUT_LEAVE : outcome;
}

BODY(int_n) {
    BODY_UNUSED;
    if (cpu_vm86(cpu)) TRY(vm86_int(cpu, op, (uint8_t)op->imm));
    return software(cpu, op, EVENT_SOFTWARE_INTERRUPT, (uint8_t)op->imm);
}
#define FORMS_INT(X, n) X(n, I, 32)
INSTANTIATE(int_n, END, FORMS_INT)

BODY(int3) {
    BODY_UNUSED;
    return software(cpu, op, EVENT_SOFTWARE_EXCEPTION, VECTOR_BP);
}
INSTANTIATE(int3, END, FORMS_ONE_NONE)

BODY(into) {
    BODY_UNUSED;
    return flags_of(&cpu->flags) ? software(cpu, op, EVENT_SOFTWARE_EXCEPTION, VECTOR_OF) : OUT_OK;
}
INSTANTIATE(into, END, FORMS_ONE_NONE)

BODY(int1) {
    BODY_UNUSED;
    return software(cpu, op, EVENT_PRIVILEGED_SOFTWARE_EXCEPTION, VECTOR_DB);
}
INSTANTIATE(int1, END, FORMS_ONE_NONE)
